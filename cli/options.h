/* cli/options.h -- what the user asked for on the command line.
 *
 * Every option is one row of the table in options.c (argument, range, one line of doc) and means
 * the same in every subcommand that takes it; parsing, errors and --help come from the row.
 * Options may stand before and after the operand, as --name VALUE or --name=VALUE; -o is --output;
 * "--" ends them;
 * "-" is an operand (standard input) or, for a result file, standard output. Of an option given
 * twice the last counts, except --set, which adds up.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "traces/images/images.h"

struct command; // cli/command.h

enum option_id {
    OPTION_SET,
    OPTION_IMAGES,
    OPTION_LABELS,
    OPTION_IMAGE_SHAPE,
    OPTION_INPUTS,
    OPTION_OUTPUTS,
    OPTION_INPUT_SHAPE,
    OPTION_AXES,
    OPTION_RANDOM_WEIGHTS,
    OPTION_ACTIVITY,
    OPTION_COUNT,
    OPTION_JOBS,
    OPTION_SEED,
    OPTION_KERNEL,
    OPTION_TIMING,
    OPTION_VALUES,
    OPTION_JSON,
    OPTION_CSV,
    OPTION_STATS,
    OPTION_DOT,
    OPTION_MARKDOWN,
    OPTION_PARETO,
    OPTION_PROVE,
    OPTION_FORMAT,
    OPTION_TABLE,
    OPTION_WIDE,
    OPTION_LABEL,
    OPTION_SVG,
    OPTION_OUT,
    OPTION_OUTPUT,
    OPTION_CALIBRATE,
    OPTION_PERCENTILE,
    OPTION_MEAN,
    OPTION_STD,
    OPTION_SCALE,
    OPTION_WEIGHTS,
    OPTION_ACTIVATIONS,
    OPTION_WRITE_CONFIG,
    OPTION_TRACE,
    OPTION_TRACE_SCOPE,
    OPTION_TRACE_WINDOW,
    OPTION_TIMELINE,
    OPTION_NEURONS,
    OPTION_DRY_RUN,
    OPTION_DB,
    OPTION_LIMIT,
    OPTION_STATUS,
    OPTION_RETRY,
    OPTION_SHARD,
    OPTION_MERGE,
    OPTION_FROM,
    OPTION_HTML,
    OPTION_TRAFFIC,
    OPTION_RATE,
    OPTION_FLITS,
    OPTION_WARM_UP,
    OPTION_CLOCKS,
    OPTION_EXCLUDE_SELF,
    OPTION_BEST,
    OPTION_FRONT,
    OPTION_EFFECTS,
    OPTION_LOG_LEVEL,
    OPTION_HELP,
    N_OPTION
};

#define OPTION_BIT(id) (UINT64_C(1) << (id))

/* A set of images, and what is said of it. */
#define OPTION_IMAGE_SET (OPTION_BIT(OPTION_IMAGES) | OPTION_BIT(OPTION_LABELS) |                \
                          OPTION_BIT(OPTION_IMAGE_SHAPE) | OPTION_BIT(OPTION_MEAN) |            \
                          OPTION_BIT(OPTION_STD))

/* Of every subcommand that reports: cli/results.h. */
#define OPTION_RESULTS (OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_CSV) |                      \
                        OPTION_BIT(OPTION_MARKDOWN) | OPTION_BIT(OPTION_FORMAT) |               \
                        OPTION_BIT(OPTION_TABLE) | OPTION_BIT(OPTION_WIDE) |                    \
                        OPTION_BIT(OPTION_LOG_LEVEL))

enum output_format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON, FORMAT_MARKDOWN, FORMAT_LATEX };

enum log_level { LOG_ERROR, LOG_INFO, LOG_DEBUG };

struct options { // strings are borrowed from argv; NULL: not given
    const char  *operand;  // the first one
    const char **operands; // owned: all of them, in the order given
    size_t       n_operand;
    const char **set; // owned: "key=value", in the order given
    size_t      *set_after; // owned: of each, how many operands stand before it
    size_t       n_set;
    const char **label; // owned: of each operand, the --label behind it, or NULL
    const char  *images, *json, *csv, *stats, *dot, *markdown, *svg, *out, *write_config;
    const char  *table;
    struct images_how how; // --images are
    const char  *inputs, *outputs, *input_shape, *axes, *random_weights, *activity;
    const char  *db, *best, *front, *shard, *from, *html;
    uint64_t     limit; // seconds; 0: none
    const char  *trace, *trace_scope, *trace_window, *timeline;
    const char  *neurons; // "LAYER:FIRST-LAST"
    uint64_t     count; // 0: not given
    uint64_t     jobs, seed;
    const char  *output, *percentile, *scale;
    uint64_t     calibrate;
    uint64_t     weights;     // 0: a scale for each channel; 1: for a tensor
    uint64_t     activations; // 0: any scale; 1: powers of two
    uint64_t     kernel;    // enum kernel_kind
    uint64_t     timing;    // 0: what the plan says; 1: a chip is stepped
    uint64_t     values;    // 0: layer by layer; 1: through the chip
    uint64_t     format;    // enum output_format
    uint64_t     log_level; // enum log_level
    const char  *traffic, *rate;
    uint64_t     flits, warm_up, clocks;
    bool         pareto, prove, wide, dry_run, status, retry, merge;
    bool         exclude_self, effects;
    bool         help;      // asked for: nothing behind it was looked at
};

/* Reads the n arguments behind a subcommand's name. ERR_INPUT names the option, what was found and
 * what would be accepted. On error *o is zero. */
enum err options_parse(struct options *o, const struct command *command, size_t n,
                       char *const *arg, struct err_msg *m);
void options_release(struct options *o); // takes a zeroed one

/* The options that the subcommand takes, for its --help. */
void options_print_help(const struct command *command, FILE *out);

/* For the shell's completion: "--set --images ..." of a subcommand; and, of all options that take
 * one of several words, a case of bash each. */
void options_print_names(const struct command *command, FILE *out);
void options_print_choices(FILE *out);

#endif
