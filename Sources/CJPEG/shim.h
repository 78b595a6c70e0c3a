#pragma once
#include <stddef.h>
#include <stdio.h>
// After the types that it uses.
#include <jpeglib.h>

// libjpeg reports errors by longjmp, which must not cross frames of Swift: only CCoupletImages calls it.
