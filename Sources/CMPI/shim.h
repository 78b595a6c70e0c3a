// MPI's macros as functions, because Swift cannot import macros of this kind, and static checks of the Swift code's
// assumptions. Also the number of cores that this process may use: glibc declares sched_getaffinity for GNU sources
// only.
//
// Package.swift chooses the MPI, by COUPLET_MPI, and takes the library from its pkg-config file. The module map links
// none, because the libraries have different names.
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

// Handles. Open MPI's are pointers, which Swift imports as optionals, and MPICH's are integers. As members of a struct
// both can be used by the same Swift code.
typedef struct {
    MPI_Comm value;
} couplet_mpi_comm;
typedef struct {
    MPI_Request value;
} couplet_mpi_request;
typedef struct {
    MPI_Message value;
} couplet_mpi_message;

static inline couplet_mpi_comm couplet_mpi_comm_world(void) {
    return (couplet_mpi_comm){MPI_COMM_WORLD};
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

// Name and version of the MPI whose header the program is built with.
#define COUPLET_TEXT(number) #number
#define COUPLET_VERSION(major, minor, patch) COUPLET_TEXT(major) "." COUPLET_TEXT(minor) "." COUPLET_TEXT(patch)
static inline const char *couplet_mpi_header(void) {
#if defined(OMPI_MAJOR_VERSION)
    return "Open MPI " COUPLET_VERSION(OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION, OMPI_RELEASE_VERSION);
#elif defined(I_MPI_VERSION)
    return "Intel MPI " I_MPI_VERSION;
#elif defined(CRAY_MPICH_VERSION)
    return "Cray MPICH " COUPLET_TEXT(CRAY_MPICH_VERSION);
#elif defined(MPICH_VERSION)
    return "MPICH " MPICH_VERSION;
#else
    return "an unknown MPI";
#endif
}

// Number of cores that the calling thread may run on; 0 if the system call fails.
static inline int couplet_available_cores(void) {
    uint64_t mask[128];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int cores = 0;
    for (long i = 0; i < bytes / 8; i++) cores += __builtin_popcountll(mask[i]);
    return cores;
}
