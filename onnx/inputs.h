/* onnx/inputs.h -- the inputs of a model's graph before anything reads it.
 *
 * One of them is the network's: an image, tokens or ids of tokens. Those beside it that exporters
 * give transformers say nothing of one whole sequence and become constants:
 *
 *     attention_mask, or another name with "mask"            1: every token is there
 *     position_ids, or another name with "position"          0, 1, 2 .. along the last axis
 *     token_type_ids, or a name with "token_type", "segment" 0: one sentence
 *
 * Keys and values of tokens before, "past", are refused, and so is any other second input.
 */
#ifndef ONNX_INPUTS_H
#define ONNX_INPUTS_H

#include "core/err.h"
#include "network/params.h"
#include "onnx.pb-c.h"

/* Gives axes that inputs name and leave open their lengths. ERR_INPUT for a name that none has. */
enum err onnx_settle_axes(Onnx__ModelProto *model, const struct count_map *axes, struct err_msg *m);

/* Makes constants of inputs beside the network's, a first axis that is open being 1 long. Models of
 * one input stay as they are. ERR_INPUT names the input and its axis. */
enum err onnx_settle_inputs(Onnx__ModelProto *model, struct err_msg *m);

#endif
