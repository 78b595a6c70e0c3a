#pragma once
#include <stddef.h>
#include <stdint.h>

// SentencePiece, whose own interface is C++, as C functions. No exception leaves them: a function that fails returns
// NULL or -1 and writes the reason.

#ifdef __cplusplus
extern "C" {
#endif

typedef struct couplet_sentencepiece couplet_sentencepiece;

// Reads a model from memory. A failure writes its reason, with a zero at the end, into `error`, and returns NULL.
couplet_sentencepiece *couplet_sentencepiece_load(const void *model, size_t bytes, char *error, size_t error_bytes);

void couplet_sentencepiece_free(couplet_sentencepiece *processor);

// The number of pieces; their ids are 0 to that number - 1.
int32_t couplet_sentencepiece_piece_count(const couplet_sentencepiece *processor);

// The id of what is no piece; -1 if the model has none.
int32_t couplet_sentencepiece_unknown(const couplet_sentencepiece *processor);

// The text of a piece, in UTF-8; NULL if there is no such piece. It lives as long as the processor.
const char *couplet_sentencepiece_piece(const couplet_sentencepiece *processor, int32_t id);

// Encodes a text in UTF-8. Threads may share a processor.
// Returns the number of ids, and an array of them in `*ids`, which the caller frees by free(); -1 with the reason in
// `error` if it fails.
int64_t couplet_sentencepiece_encode(const couplet_sentencepiece *processor, const char *text, size_t bytes,
                                     int32_t **ids, char *error, size_t error_bytes);

// The file of the loaded library, "/usr/lib/…/libsentencepiece.so.0"; NULL if it is not known.
const char *couplet_sentencepiece_library_file(void);

#ifdef __cplusplus
}
#endif
