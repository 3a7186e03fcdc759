# The library mlmd::kernels, and in mlmd_kernels_FORTRAN the source of its Fortran module (from MLMD @VERSION@).
get_filename_component(_mlmd_package "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(mlmd_kernels_FORTRAN "${_mlmd_package}/share/mlmd/mlmd_kernels.f90")
if(NOT TARGET mlmd::kernels)
  add_library(mlmd::kernels SHARED IMPORTED)
  set_target_properties(mlmd::kernels PROPERTIES
    IMPORTED_LOCATION "${_mlmd_package}/lib/libmlmd_kernels.so.@ABI@"
    IMPORTED_SONAME "libmlmd_kernels.so.@ABI@"
    INTERFACE_INCLUDE_DIRECTORIES "${_mlmd_package}/include")
endif()
unset(_mlmd_package)
