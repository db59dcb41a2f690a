// Compiles simdjson, once. Its kernels are chosen at run time; no -march is given.
#include <simdjson.cpp>
