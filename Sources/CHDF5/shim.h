#pragma once
#include <hdf5.h>

// HDF5's constants as functions. They are macros that Swift cannot import; many call H5open() and read a global.

static inline hid_t couplet_H5T_NATIVE_FLOAT(void) {
    return H5T_NATIVE_FLOAT;
}
static inline hid_t couplet_H5T_NATIVE_DOUBLE(void) {
    return H5T_NATIVE_DOUBLE;
}
static inline hid_t couplet_H5T_NATIVE_UINT8(void) {
    return H5T_NATIVE_UINT8;
}
static inline hid_t couplet_H5T_NATIVE_INT32(void) {
    return H5T_NATIVE_INT32;
}
static inline hid_t couplet_H5T_NATIVE_INT64(void) {
    return H5T_NATIVE_INT64;
}
static inline hid_t couplet_H5T_NATIVE_UINT64(void) {
    return H5T_NATIVE_UINT64;
}
static inline hid_t couplet_H5T_IEEE_F32LE(void) {
    return H5T_IEEE_F32LE;
}
static inline hid_t couplet_H5T_IEEE_F64LE(void) {
    return H5T_IEEE_F64LE;
}
static inline hid_t couplet_H5T_STD_I32LE(void) {
    return H5T_STD_I32LE;
}
static inline hid_t couplet_H5T_STD_I64LE(void) {
    return H5T_STD_I64LE;
}
static inline hid_t couplet_H5T_STD_U64LE(void) {
    return H5T_STD_U64LE;
}
static inline hid_t couplet_H5T_C_S1(void) {
    return H5T_C_S1;
}

static inline size_t couplet_H5T_VARIABLE(void) {
    return H5T_VARIABLE;
}

static inline hid_t couplet_H5P_DEFAULT(void) {
    return H5P_DEFAULT;
}
static inline hid_t couplet_H5P_FILE_CREATE(void) {
    return H5P_FILE_CREATE;
}
static inline hid_t couplet_H5P_FILE_ACCESS(void) {
    return H5P_FILE_ACCESS;
}
static inline hid_t couplet_H5P_GROUP_CREATE(void) {
    return H5P_GROUP_CREATE;
}
static inline hid_t couplet_H5P_LINK_CREATE(void) {
    return H5P_LINK_CREATE;
}
static inline hid_t couplet_H5P_DATASET_CREATE(void) {
    return H5P_DATASET_CREATE;
}
static inline hid_t couplet_H5P_DATASET_ACCESS(void) {
    return H5P_DATASET_ACCESS;
}
static inline unsigned couplet_H5P_CRT_ORDER_TRACKED_INDEXED(void) {
    return H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
}

static inline unsigned couplet_H5F_ACC_RDONLY(void) {
    return H5F_ACC_RDONLY;
}
static inline unsigned couplet_H5F_ACC_RDWR(void) {
    return H5F_ACC_RDWR;
}
static inline unsigned couplet_H5F_ACC_TRUNC(void) {
    return H5F_ACC_TRUNC;
}
static inline unsigned couplet_H5F_ACC_EXCL(void) {
    return H5F_ACC_EXCL;
}

static inline hid_t couplet_H5T_STD_U8LE(void) {
    return H5T_STD_U8LE;
}
static inline unsigned couplet_H5Z_FLAG_OPTIONAL(void) {
    return H5Z_FLAG_OPTIONAL;
}
// The count or the block of an unlimited hyperslab.
static inline hsize_t couplet_H5S_UNLIMITED(void) {
    return H5S_UNLIMITED;
}

static inline hid_t couplet_H5S_ALL(void) {
    return H5S_ALL;
}
static inline hid_t couplet_H5E_DEFAULT(void) {
    return H5E_DEFAULT;
}

_Static_assert(sizeof(hid_t) == 8, "HDF5 1.10 or later is needed: its handles have 64 bits");
