// MPI's macros as functions, because Swift cannot import macros of this kind, and static checks of the Swift code's
// assumptions. Also the number of cores that this process may use: glibc declares sched_getaffinity for GNU sources
// only.
#pragma once
#include <mpi.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(int) == 4, "Swift code uses Int32 for MPI's counts and error codes");
_Static_assert(MPI_SUCCESS == 0, "Swift code treats return code 0 as success");
_Static_assert(MPI_THREAD_SINGLE < MPI_THREAD_FUNNELED && MPI_THREAD_FUNNELED < MPI_THREAD_SERIALIZED &&
                   MPI_THREAD_SERIALIZED < MPI_THREAD_MULTIPLE,
               "Swift code compares thread levels");
_Static_assert(MPI_MAX_ERROR_STRING <= 4096 && MPI_MAX_LIBRARY_VERSION_STRING <= 8192,
               "Swift code allocates these texts on the stack");

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

// Number of cores that the calling thread may run on; 0 if the system call fails.
static inline int couplet_available_cores(void) {
    uint64_t mask[128];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int cores = 0;
    for (long i = 0; i < bytes / 8; i++) cores += __builtin_popcountll(mask[i]);
    return cores;
}
