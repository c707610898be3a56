#!/usr/bin/env python3
"""Makes the image sets beside this file, with Python's own zipfile and zlib and nothing of ours.

A pixel of image i, channel c, row x, column y is (37 i + 91 c + 5 x + y) mod 256; labels are i mod 3.
usage: cd test/data/images && python3 make.py
"""
import io
import os
import struct
import zipfile
import zlib

N, C, H, W = 4, 3, 6, 5


def pixel(i, c, x, y):
    return (37 * i + 91 * c + 5 * x + y) % 256


def npy(descr, shape, data, version=1):
    text = repr({'descr': descr, 'fortran_order': False, 'shape': tuple(shape)})
    head = 10 if version == 1 else 12
    text += ' ' * (-(head + len(text) + 1) % 64) + '\n'
    length = struct.pack('<H' if version == 1 else '<I', len(text))
    return b'\x93NUMPY' + bytes([version, 0]) + length + text.encode() + data


def planes(i):
    return bytes(pixel(i, c, x, y) for c in range(C) for x in range(H) for y in range(W))


def interleaved(i, n=C):
    return bytes(pixel(i, c, x, y) for x in range(H) for y in range(W) for c in range(n))


def write(name, data):
    os.makedirs(os.path.dirname(name) or '.', exist_ok=True)
    with open(name, 'wb') as f:
        f.write(data)


def npz(name, packing, members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', packing) as z:
        for member, data in members:
            info = zipfile.ZipInfo(member + '.npy')
            info.compress_type = packing
            with z.open(info, 'w', force_zip64=True) as f:  # as numpy's savez does
                f.write(data)
    write(name, out.getvalue())


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png(colour, bits, rows, extra=b''):
    head = struct.pack('>IIBBBBB', W, H, bits, colour, 0, 0, 0)
    data = zlib.compress(b''.join(b'\0' + r for r in rows), 9)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + extra + chunk(b'IDAT', data) +
            chunk(b'IEND', b''))


def rgb(i, alpha=None):
    tail = b'' if alpha is None else bytes([alpha])
    rows = [b''.join(bytes(pixel(i, c, x, y) for c in range(C)) + tail for y in range(W))
            for x in range(H)]
    return png(2 if alpha is None else 6, 8, rows)


def grey(i, wide=False):
    rows = [b''.join(bytes([pixel(i, 0, x, y)] + ([99] if wide else [])) for y in range(W))
            for x in range(H)]
    return png(0, 16 if wide else 8, rows)


def palette(i):
    colours = bytes(pixel(i, c, x, y) for x in range(H) for y in range(W) for c in range(C))
    rows = [bytes(x * W + y for y in range(W)) for x in range(H)]
    return png(3, 8, rows, chunk(b'PLTE', colours))


every = range(N)
labels = [i % 3 for i in every]
chw = npy('|u1', (N, C, H, W), b''.join(map(planes, every)))
hwc = npy('|u1', (N, H, W, C), b''.join(map(interleaved, every)), version=2)
rows = npy('|u1', (N, H, W), b''.join(interleaved(i, 1) for i in every))
flat = npy('|u1', (N, C * H * W), b''.join(map(planes, every)))
long_labels = npy('<i8', (N,), struct.pack('<4q', *labels))
column_labels = npy('|u1', (N, 1), bytes(labels))
other = npy('<f4', (2,), struct.pack('<2f', 1, 2))
train = npy('|u1', (1, H, W, C), bytes(C * H * W))

one_chw = npy('|u1', (C, H, W), planes(0))
one_hwc = npy('|u1', (H, W, C), interleaved(0))
for name, data in (('one_chw', one_chw), ('one_hwc', one_hwc), ('chw', chw), ('hwc', hwc),
                   ('rows', rows), ('flat', flat), ('labels', long_labels)):
    write(name + '.npy', data)
npz('stored.npz', zipfile.ZIP_STORED, (('images', chw), ('targets', long_labels), ('rest', other)))
npz('deflated.npz', zipfile.ZIP_DEFLATED,
    (('x_train', train), ('y_train', npy('|u1', (1,), b'\7')), ('x_test', hwc),
     ('y_test', column_labels)))
npz('two.npz', zipfile.ZIP_DEFLATED, (('a', chw), ('b', hwc)))
npz('none.npz', zipfile.ZIP_DEFLATED, (('rest', other),))
write('raw.bin', b''.join(map(planes, every)))
write('classes/ant/0.png', rgb(0))
write('classes/bee/1.PNG', rgb(1, alpha=0))
write('classes/cow/2.png', palette(2))
write('classes/ant/readme.txt', b'no picture\n')
write('flat/0.png', rgb(0))
write('flat/1.png', grey(1))
write('flat/2.png', grey(2, wide=True))
