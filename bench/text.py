# bench/text.py -- lines of text as a recogniser of text takes them, in the fonts of DejaVu.
#
# usage: /usr/bin/python3 bench/text.py COUNT SEED OUT        wants python3-pil, python3-numpy
#            writes OUT.npy, COUNT x 3 x 48 x 160, a pixel p as p / 127.5 - 1, and OUT.txt: pieces of
#            up to 11 letters of the licence. Lines of an even SEED are in other fonts than those of
#            an odd one.
import glob
import random
import sys

import numpy
from PIL import Image, ImageDraw, ImageFont

HEIGHT, WIDTH, LETTERS, MARGIN, SIZE = 48, 160, 11, 4, 30


def piece(words):
    text = random.choice(words)
    while len(text) < 8:
        text += ' ' + random.choice(words)
    return text[:LETTERS].strip()


def draw(text, path):
    paper, ink = random.choice([(255, 0), (220, 0), (30, 255)])
    for size in range(SIZE, 0, -1):
        font = ImageFont.truetype(path, size)
        left, top, right, bottom = font.getbbox(text)
        if right - left <= WIDTH - 2 * MARGIN:
            break
    image = Image.new('L', (WIDTH, HEIGHT), paper)
    at = ((WIDTH - right + left) // 2 - left, (HEIGHT - bottom + top) // 2 - top)
    ImageDraw.Draw(image).text(at, text, font=font, fill=ink)
    return numpy.asarray(image, numpy.float32) / 127.5 - 1


def main():
    count, seed, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    random.seed(seed)
    words = [w for w in open('LICENSE').read().split() if w.isalnum()]
    fonts = sorted(glob.glob('/usr/share/fonts/truetype/dejavu/*.ttf'))
    fonts = [f for f in fonts if 'Math' not in f][seed % 2::2]
    if not fonts:
        sys.exit('no fonts: want fonts-dejavu')
    texts = [piece(words) for _ in range(count)]
    lines = [draw(t, random.choice(fonts)) for t in texts]
    numpy.save(out + '.npy', numpy.repeat(numpy.stack(lines)[:, None], 3, axis=1))
    open(out + '.txt', 'w').write('\n'.join(texts) + '\n')


main()
