// What Swift cannot import of MPI: macros as functions, with what they assume. And the number of cores this process may use, which
// glibc declares for GNU sources only.
#pragma once
#include <mpi.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(int) == 4, "MPI's counts and error codes are taken as Int32");
_Static_assert(MPI_SUCCESS == 0, "a return code of zero is success");
_Static_assert(MPI_THREAD_SINGLE < MPI_THREAD_FUNNELED && MPI_THREAD_FUNNELED < MPI_THREAD_SERIALIZED &&
                   MPI_THREAD_SERIALIZED < MPI_THREAD_MULTIPLE,
               "thread levels are compared");
_Static_assert(MPI_MAX_ERROR_STRING <= 4096 && MPI_MAX_LIBRARY_VERSION_STRING <= 8192, "texts have room");

static inline MPI_Comm couplet_mpi_comm_world(void) {
    return MPI_COMM_WORLD;
}
static inline MPI_Datatype couplet_mpi_byte(void) {
    return MPI_BYTE;
}
static inline MPI_Errhandler couplet_mpi_errors_return(void) {
    return MPI_ERRORS_RETURN;
}
static inline MPI_Status *couplet_mpi_status_ignore(void) {
    return MPI_STATUS_IGNORE;
}

// The cores that the calling thread may run on; 0 if the system does not say.
static inline int couplet_available_cores(void) {
    uint64_t mask[128];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int cores = 0;
    for (long i = 0; i < bytes / 8; i++) cores += __builtin_popcountll(mask[i]);
    return cores;
}
