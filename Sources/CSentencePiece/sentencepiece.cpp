#include "couplet_sentencepiece.h"

#include <dlfcn.h>
#include <sentencepiece_processor.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

struct couplet_sentencepiece {
    sentencepiece::SentencePieceProcessor processor;
};

namespace {

void report(const char *reason, char *error, size_t error_bytes) {
    if (error != nullptr && error_bytes > 0) {
        std::snprintf(error, error_bytes, "%s", reason != nullptr && *reason != 0 ? reason : "unknown error");
    }
}

} // namespace

extern "C" {

couplet_sentencepiece *couplet_sentencepiece_load(const void *model, size_t bytes, char *error, size_t error_bytes) {
    try {
        auto loaded = std::make_unique<couplet_sentencepiece>();
        const auto status =
            loaded->processor.LoadFromSerializedProto(absl::string_view(static_cast<const char *>(model), bytes));
        if (!status.ok()) {
            report(status.error_message(), error, error_bytes);
            return nullptr;
        }
        return loaded.release();
    } catch (const std::exception &exception) {
        report(exception.what(), error, error_bytes);
    } catch (...) {
        report(nullptr, error, error_bytes);
    }
    return nullptr;
}

void couplet_sentencepiece_free(couplet_sentencepiece *processor) {
    delete processor;
}

int32_t couplet_sentencepiece_piece_count(const couplet_sentencepiece *processor) {
    return processor->processor.GetPieceSize();
}

int32_t couplet_sentencepiece_unknown(const couplet_sentencepiece *processor) {
    return processor->processor.unk_id();
}

const char *couplet_sentencepiece_piece(const couplet_sentencepiece *processor, int32_t id) {
    if (id < 0 || id >= processor->processor.GetPieceSize()) return nullptr;
    return processor->processor.IdToPiece(id).c_str();
}

int64_t couplet_sentencepiece_encode(const couplet_sentencepiece *processor, const char *text, size_t bytes,
                                     int32_t **ids, char *error, size_t error_bytes) {
    *ids = nullptr;
    try {
        std::vector<int> found;
        const auto status = processor->processor.Encode(absl::string_view(text, bytes), &found);
        if (!status.ok()) {
            report(status.error_message(), error, error_bytes);
            return -1;
        }
        static_assert(sizeof(int) == sizeof(int32_t), "SentencePiece's ids have 32 bits");
        if (found.empty()) return 0;
        const size_t size = found.size() * sizeof(int32_t);
        *ids = static_cast<int32_t *>(std::malloc(size));
        if (*ids == nullptr) {
            report("no memory for the ids", error, error_bytes);
            return -1;
        }
        std::memcpy(*ids, found.data(), size);
        return static_cast<int64_t>(found.size());
    } catch (const std::exception &exception) {
        report(exception.what(), error, error_bytes);
    } catch (...) {
        report(nullptr, error, error_bytes);
    }
    return -1;
}

const char *couplet_sentencepiece_library_file(void) {
    // The constructor of the processor.
    const void *symbol = dlsym(RTLD_DEFAULT, "_ZN13sentencepiece22SentencePieceProcessorC1Ev");
    Dl_info information;
    return symbol != nullptr && dladdr(symbol, &information) != 0 ? information.dli_fname : nullptr;
}

} // extern "C"
