// Keeps the prebuilt addon loadable on systems with older C and C++ libraries than those of the
// machine that built it (the floor is in deploy/package/prebuild.cjs, which checks it).
//
// Headers of newer libraries make compiled code ask for three symbols that older ones do not have.
// They are small, and defined here under their link names; hidden, so that no other library in the
// process finds them.

#include <cstdlib>

#define MF_LINK_NAME(name) __asm__(name) __attribute__((visibility("hidden")))

extern "C" {

/// glibc 2.32 says here whether a process has one thread only, which lets shared_ptr count without
/// atomic instructions. A process of Node never has.
extern char mf_has_one_thread MF_LINK_NAME("__libc_single_threaded");
char mf_has_one_thread = 0;

/// libstdc++ 11, std::__throw_bad_array_new_length(): the size of an array overflows. Without
/// exceptions there is nothing else to do.
void mf_array_too_long() MF_LINK_NAME("_ZSt28__throw_bad_array_new_lengthv");
void mf_array_too_long() {
  std::abort();
}

/// libstdc++ 9, std::_Sp_make_shared_tag::_S_eq(const std::type_info&): how make_shared finds its
/// block in code without run-time type information. That code compares addresses before it asks,
/// so there is never anything left to find.
bool mf_is_make_shared_tag(const void* type)
    MF_LINK_NAME("_ZNSt19_Sp_make_shared_tag5_S_eqERKSt9type_info");
bool mf_is_make_shared_tag(const void* /*type*/) {
  return false;
}
}
