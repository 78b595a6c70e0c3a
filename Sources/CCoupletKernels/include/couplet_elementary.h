// Elementary functions of Double. Their bits are the same on every CPU and with every C library, in debug and in
// release. ElementaryFunctions.swift states their errors.
#pragma once

double couplet_exp64(double x);
double couplet_exp2_64(double x);
double couplet_expm1_64(double x);
double couplet_log64(double x);
double couplet_log2_64(double x);
double couplet_log1p_64(double x);
double couplet_tanh64(double x);
double couplet_erf64(double x);
double couplet_erfc64(double x);
double couplet_sin64(double x);
double couplet_cos64(double x);
double couplet_pow64(double x, double y);
