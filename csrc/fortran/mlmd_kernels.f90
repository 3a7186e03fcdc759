! The MLMD kernels for Fortran programs: plans as in mlmd_plans.h, with Fortran arrays.
!
!     use mlmd_kernels
!     type(mlmd_domain) :: on
!     type(mlmd_plan)   :: plan
!     complex(c_double) :: psi(norb, nz, ny, nx)
!
!     call mlmd_check_abi()
!     on = mlmd_domain(mlmd_box([nx, ny, nz], [h, h, h]), norb, mlmd_complex128)
!     call mlmd_plan_kin_prop(on, dt, plan)
!     call mlmd_execute_kin_prop(plan, psi, A=[0d0, 0d0, 0.1d0], v=v)
!     call mlmd_destroy(plan)
!
! The kernels have the orbital fastest and x slowest: Fortran arrays run psi(orbital, z, y, x) and v(z, y, x);
! n, h, A and J are in the order x, y, z everywhere.  Arrays are taken as they lie in memory, so they must be contiguous;
! sizes are compared with the domain.  Atomic units.
!
! Every subroutine takes an optional status; without it an error prints its words and stops the program.  With it the
! words are in mlmd_last_error(), but those on arrays that do not fit the plan, which are mlmd_bad_argument.
! Compile this file with your program: Fortran modules are for one compiler only.
module mlmd_kernels
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: error_unit
  implicit none
  private

  integer(c_int32_t), parameter, public :: mlmd_abi = @ABI@

  enum, bind(c)
    enumerator :: mlmd_ok = 0, mlmd_bad_argument, mlmd_out_of_memory, mlmd_internal_error, mlmd_unsupported, &
      mlmd_not_converged, mlmd_no_wisdom, mlmd_bad_file
  end enum
  enum, bind(c)
    enumerator :: mlmd_complex64 = 0, mlmd_complex128
  end enum
  enum, bind(c)
    enumerator :: mlmd_estimate = 0, mlmd_wisdom_only, mlmd_defaults
  end enum
  enum, bind(c)
    enumerator :: mlmd_of_type = 0, mlmd_bf16x1, mlmd_bf16x2, mlmd_bf16x3, mlmd_fp32, mlmd_fp64
  end enum
  enum, bind(c)
    enumerator :: mlmd_multigrid = 0, mlmd_annealing
  end enum
  public :: mlmd_ok, mlmd_bad_argument, mlmd_out_of_memory, mlmd_internal_error, mlmd_unsupported, mlmd_not_converged, &
    mlmd_no_wisdom, mlmd_bad_file, mlmd_complex64, mlmd_complex128, mlmd_estimate, mlmd_wisdom_only, mlmd_defaults, &
    mlmd_of_type, mlmd_bf16x1, mlmd_bf16x2, mlmd_bf16x3, mlmd_fp32, mlmd_fp64, mlmd_multigrid, mlmd_annealing

  type, bind(c), public :: mlmd_box
    integer(c_int64_t) :: n(3) = 0
    real(c_double) :: h(3) = 0
    integer(c_int32_t) :: periodic(3) = 1
  end type

  type, bind(c), public :: mlmd_domain
    type(mlmd_box) :: grid
    integer(c_int64_t) :: norb = 0
    integer(c_int) :: type = mlmd_complex128
  end type

  type, bind(c), public :: mlmd_options
    integer(c_int64_t) :: size = 24
    integer(c_int32_t) :: threads = 0
    integer(c_int32_t) :: effort = mlmd_estimate
    type(c_ptr) :: stream = c_null_ptr
  end type

  type, bind(c), public :: mlmd_hartree_method
    integer(c_int) :: method = mlmd_multigrid
    integer(c_int32_t) :: max_cycles = 0
    integer(c_int32_t) :: sweeps = 0
    real(c_double) :: tol = 0
  end type

  type, bind(c), public :: mlmd_measure
    real(c_double) :: norm = 0, kinetic_energy = 0, J(3) = 0
  end type

  type, bind(c), public :: mlmd_wisdom_count
    integer(c_int64_t) :: taken = 0, refused = 0
  end type

  type, public :: mlmd_plan
    private
    type(c_ptr) :: handle = c_null_ptr
    type(mlmd_domain) :: on
    integer(c_int64_t) :: rank = 0
  end type

  public :: mlmd_check_abi, mlmd_last_error, mlmd_status_name, mlmd_plan_describe, mlmd_wisdom_import, mlmd_wisdom_forget, &
    mlmd_plan_kin_prop, mlmd_execute_kin_prop, mlmd_plan_loc_prop, mlmd_execute_loc_prop, mlmd_plan_nlp_prop, &
    mlmd_set_nlp_prop, mlmd_execute_nlp_prop, mlmd_plan_overlap, mlmd_execute_overlap, mlmd_plan_density, &
    mlmd_execute_density, mlmd_plan_current, mlmd_execute_current, mlmd_plan_hartree, mlmd_execute_hartree, mlmd_destroy

  interface mlmd_execute_kin_prop
    module procedure kin_prop_sp, kin_prop_dp
  end interface
  interface mlmd_execute_loc_prop
    module procedure loc_prop_sp, loc_prop_dp
  end interface
  interface mlmd_set_nlp_prop
    module procedure set_sp, set_dp
  end interface
  interface mlmd_execute_nlp_prop
    module procedure nlp_prop_sp, nlp_prop_dp
  end interface
  interface mlmd_execute_overlap
    module procedure overlap_sp, overlap_dp
  end interface
  interface mlmd_execute_density
    module procedure density_sp, density_dp
  end interface
  interface mlmd_execute_current
    module procedure current_sp, current_dp
  end interface

  interface
    function c_strlen(text) bind(c, name="strlen") result(length)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
      integer(c_size_t) :: length
    end function
    function c_last_error() bind(c, name="mlmd_last_error") result(text)
      import :: c_ptr
      type(c_ptr) :: text
    end function
    function c_status_name(status) bind(c, name="mlmd_status_name") result(text)
      import :: c_ptr, c_int
      integer(c_int), value :: status
      type(c_ptr) :: text
    end function
    function c_require_abi(version) bind(c, name="mlmd_require_abi") result(status)
      import :: c_int, c_int32_t
      integer(c_int32_t), value :: version
      integer(c_int) :: status
    end function
    function c_describe(plan, buffer, size) bind(c, name="mlmd_plan_describe") result(length)
      import :: c_ptr, c_char, c_int64_t
      type(c_ptr), value :: plan
      character(kind=c_char), intent(out) :: buffer(*)
      integer(c_int64_t), value :: size
      integer(c_int64_t) :: length
    end function
    subroutine c_destroy(plan) bind(c, name="mlmd_destroy")
      import :: c_ptr
      type(c_ptr), value :: plan
    end subroutine
    function c_import(path, count) bind(c, name="mlmd_wisdom_import") result(status)
      import :: c_ptr, c_int, mlmd_wisdom_count
      type(c_ptr), value :: path
      type(mlmd_wisdom_count), intent(out) :: count
      integer(c_int) :: status
    end function
    subroutine mlmd_wisdom_forget() bind(c, name="mlmd_wisdom_forget")
    end subroutine
    function c_plan_kin_prop(on, dt, options, plan) bind(c, name="mlmd_plan_kin_prop") result(status)
      import :: mlmd_domain, mlmd_options, c_double, c_ptr, c_int
      type(mlmd_domain), intent(in) :: on
      real(c_double), value :: dt
      type(mlmd_options), intent(in), optional :: options
      type(c_ptr), intent(out) :: plan
      integer(c_int) :: status
    end function
    function c_kin_prop(plan, psi, A, v, steps) bind(c, name="mlmd_execute_kin_prop") result(status)
      import :: c_ptr, c_double, c_int32_t, c_int
      type(c_ptr), value :: plan, psi
      real(c_double), intent(in), optional :: A(3), v(*)
      integer(c_int32_t), value :: steps
      integer(c_int) :: status
    end function
    function c_plan_loc_prop(on, dt, options, plan) bind(c, name="mlmd_plan_loc_prop") result(status)
      import :: mlmd_domain, mlmd_options, c_double, c_ptr, c_int
      type(mlmd_domain), intent(in) :: on
      real(c_double), value :: dt
      type(mlmd_options), intent(in), optional :: options
      type(c_ptr), intent(out) :: plan
      integer(c_int) :: status
    end function
    function c_loc_prop(plan, psi, v) bind(c, name="mlmd_execute_loc_prop") result(status)
      import :: c_ptr, c_double, c_int
      type(c_ptr), value :: plan, psi
      real(c_double), intent(in) :: v(*)
      integer(c_int) :: status
    end function
    function c_plan_nlp_prop(on, rank, mode, options, plan) bind(c, name="mlmd_plan_nlp_prop") result(status)
      import :: mlmd_domain, mlmd_options, c_int64_t, c_ptr, c_int
      type(mlmd_domain), intent(in) :: on
      integer(c_int64_t), value :: rank
      integer(c_int), value :: mode
      type(mlmd_options), intent(in), optional :: options
      type(c_ptr), intent(out) :: plan
      integer(c_int) :: status
    end function
    function c_set_nlp_prop(plan, q, type, s) bind(c, name="mlmd_set_nlp_prop") result(status)
      import :: c_ptr, c_int, c_double_complex
      type(c_ptr), value :: plan, q
      integer(c_int), value :: type
      complex(c_double_complex), intent(in) :: s(*)
      integer(c_int) :: status
    end function
    function c_nlp_prop(plan, psi) bind(c, name="mlmd_execute_nlp_prop") result(status)
      import :: c_ptr, c_int
      type(c_ptr), value :: plan, psi
      integer(c_int) :: status
    end function
    function c_plan_overlap(on, rank, options, plan) bind(c, name="mlmd_plan_overlap") result(status)
      import :: mlmd_domain, mlmd_options, c_int64_t, c_ptr, c_int
      type(mlmd_domain), intent(in) :: on
      integer(c_int64_t), value :: rank
      type(mlmd_options), intent(in), optional :: options
      type(c_ptr), intent(out) :: plan
      integer(c_int) :: status
    end function
    function c_overlap(plan, psi0, psi, overlaps) bind(c, name="mlmd_execute_overlap") result(status)
      import :: c_ptr, c_int, c_double_complex
      type(c_ptr), value :: plan, psi0, psi
      complex(c_double_complex), intent(out) :: overlaps(*)
      integer(c_int) :: status
    end function
    function c_plan_density(on, options, plan) bind(c, name="mlmd_plan_density") result(status)
      import :: mlmd_domain, mlmd_options, c_ptr, c_int
      type(mlmd_domain), intent(in) :: on
      type(mlmd_options), intent(in), optional :: options
      type(c_ptr), intent(out) :: plan
      integer(c_int) :: status
    end function
    function c_density(plan, psi, f, n) bind(c, name="mlmd_execute_density") result(status)
      import :: c_ptr, c_double, c_int
      type(c_ptr), value :: plan, psi
      real(c_double), intent(in) :: f(*)
      real(c_double), intent(out) :: n(*)
      integer(c_int) :: status
    end function
    function c_plan_current(on, options, plan) bind(c, name="mlmd_plan_current") result(status)
      import :: mlmd_domain, mlmd_options, c_ptr, c_int
      type(mlmd_domain), intent(in) :: on
      type(mlmd_options), intent(in), optional :: options
      type(c_ptr), intent(out) :: plan
      integer(c_int) :: status
    end function
    function c_current(plan, psi, f, A, n, measure) bind(c, name="mlmd_execute_current") result(status)
      import :: c_ptr, c_double, c_int, mlmd_measure
      type(c_ptr), value :: plan, psi
      real(c_double), intent(in) :: f(*)
      real(c_double), intent(in), optional :: A(3)
      real(c_double), intent(inout), optional :: n(*)
      type(mlmd_measure), intent(out) :: measure
      integer(c_int) :: status
    end function
    function c_plan_hartree(grid, method, options, plan) bind(c, name="mlmd_plan_hartree") result(status)
      import :: mlmd_box, mlmd_hartree_method, mlmd_options, c_ptr, c_int
      type(mlmd_box), intent(in) :: grid
      type(mlmd_hartree_method), intent(in), optional :: method
      type(mlmd_options), intent(in), optional :: options
      type(c_ptr), intent(out) :: plan
      integer(c_int) :: status
    end function
    function c_hartree(plan, n, start, v) bind(c, name="mlmd_execute_hartree") result(status)
      import :: c_ptr, c_double, c_int
      type(c_ptr), value :: plan
      real(c_double), intent(in) :: n(*)
      real(c_double), intent(in), optional :: start(*)
      real(c_double), intent(inout) :: v(*)
      integer(c_int) :: status
    end function
  end interface

contains

  ! Whether the library is the one that this module is for; to be called before all else.
  subroutine mlmd_check_abi(status)
    integer, intent(out), optional :: status
    call finish(c_require_abi(mlmd_abi), status)
  end subroutine

  function mlmd_last_error() result(text)
    character(len=:), allocatable :: text
    text = text_of(c_last_error())
  end function

  function mlmd_status_name(status) result(text)
    integer, intent(in) :: status
    character(len=:), allocatable :: text
    text = text_of(c_status_name(int(status, c_int)))
  end function

  ! One line on what a plan is and why it is so.
  function mlmd_plan_describe(plan) result(text)
    type(mlmd_plan), intent(in) :: plan
    character(len=:), allocatable :: text
    character(kind=c_char) :: buffer(1024)
    integer(c_int64_t) :: k, length
    length = min(c_describe(plan%handle, buffer, size(buffer, kind=c_int64_t)), size(buffer, kind=c_int64_t) - 1)
    allocate (character(len=length) :: text)
    do k = 1, length
      text(k:k) = buffer(k)
    end do
  end function

  ! Takes in what the tuner wrote: that of a file, or of the usual one.
  subroutine mlmd_wisdom_import(path, count, status)
    character(len=*), intent(in), optional :: path
    type(mlmd_wisdom_count), intent(out), optional :: count
    integer, intent(out), optional :: status
    character(kind=c_char, len=:), allocatable, target :: name
    type(mlmd_wisdom_count) :: lines
    type(c_ptr) :: where
    integer(c_int) :: answer
    where = c_null_ptr
    if (present(path)) then
      name = trim(path)//c_null_char
      where = c_loc(name)
    end if
    answer = c_import(where, lines)
    if (present(count)) count = lines
    call finish(answer, status)
  end subroutine

  subroutine mlmd_destroy(plan)
    type(mlmd_plan), intent(inout) :: plan
    call c_destroy(plan%handle)
    plan%handle = c_null_ptr
  end subroutine

  ! Plan of psi <- exp(-i dt v/2) exp(-i dt T) exp(-i dt v/2) psi with T = (p + A/c)^2 / 2.
  subroutine mlmd_plan_kin_prop(on, dt, plan, options, status)
    type(mlmd_domain), intent(in) :: on
    real(c_double), intent(in) :: dt
    type(mlmd_plan), intent(out) :: plan
    type(mlmd_options), intent(in), optional :: options
    integer, intent(out), optional :: status
    plan%on = on
    call finish(c_plan_kin_prop(on, dt, options, plan%handle), status)
  end subroutine

  subroutine kin_prop_sp(plan, psi, A, v, steps, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_float), intent(inout), contiguous, target :: psi(:, :, :, :)
    real(c_double), intent(in), optional :: A(3)
    real(c_double), intent(in), optional, contiguous :: v(:, :, :)
    integer, intent(in), optional :: steps
    integer, intent(out), optional :: status
    if (present(v)) then
      if (misfits(plan%on, shape(v), status)) return
    end if
    if (misfits(plan%on, shape(psi), status, mlmd_complex64, plan%on%norb)) return
    call finish(c_kin_prop(plan%handle, c_loc(psi), A, v, count_of(steps)), status)
  end subroutine

  subroutine kin_prop_dp(plan, psi, A, v, steps, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_double), intent(inout), contiguous, target :: psi(:, :, :, :)
    real(c_double), intent(in), optional :: A(3)
    real(c_double), intent(in), optional, contiguous :: v(:, :, :)
    integer, intent(in), optional :: steps
    integer, intent(out), optional :: status
    if (present(v)) then
      if (misfits(plan%on, shape(v), status)) return
    end if
    if (misfits(plan%on, shape(psi), status, mlmd_complex128, plan%on%norb)) return
    call finish(c_kin_prop(plan%handle, c_loc(psi), A, v, count_of(steps)), status)
  end subroutine

  ! Plan of psi <- exp(-i dt v) psi.
  subroutine mlmd_plan_loc_prop(on, dt, plan, options, status)
    type(mlmd_domain), intent(in) :: on
    real(c_double), intent(in) :: dt
    type(mlmd_plan), intent(out) :: plan
    type(mlmd_options), intent(in), optional :: options
    integer, intent(out), optional :: status
    plan%on = on
    call finish(c_plan_loc_prop(on, dt, options, plan%handle), status)
  end subroutine

  subroutine loc_prop_sp(plan, psi, v, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_float), intent(inout), contiguous, target :: psi(:, :, :, :)
    real(c_double), intent(in), contiguous :: v(:, :, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(v), status)) return
    if (misfits(plan%on, shape(psi), status, mlmd_complex64, plan%on%norb)) return
    call finish(c_loc_prop(plan%handle, c_loc(psi), v), status)
  end subroutine

  subroutine loc_prop_dp(plan, psi, v, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_double), intent(inout), contiguous, target :: psi(:, :, :, :)
    real(c_double), intent(in), contiguous :: v(:, :, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(v), status)) return
    if (misfits(plan%on, shape(psi), status, mlmd_complex128, plan%on%norb)) return
    call finish(c_loc_prop(plan%handle, c_loc(psi), v), status)
  end subroutine

  ! Plan of psi <- psi + Q S (Q^H psi dv).
  subroutine mlmd_plan_nlp_prop(on, rank, plan, mode, options, status)
    type(mlmd_domain), intent(in) :: on
    integer, intent(in) :: rank
    type(mlmd_plan), intent(out) :: plan
    integer, intent(in), optional :: mode
    type(mlmd_options), intent(in), optional :: options
    integer, intent(out), optional :: status
    integer(c_int) :: chosen
    chosen = mlmd_of_type
    if (present(mode)) chosen = int(mode, c_int)
    plan%on = on
    plan%rank = rank
    call finish(c_plan_nlp_prop(on, int(rank, c_int64_t), chosen, options, plan%handle), status)
  end subroutine

  ! Copies the operator: Q(rank, z, y, x), and S(r, t) as in the formula.
  subroutine set_sp(plan, Q, S, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_float), intent(in), contiguous, target :: Q(:, :, :, :)
    complex(c_double), intent(in) :: S(:, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(Q), status, first=plan%rank)) return
    if (misfits_middle(plan, shape(S), status)) return
    call finish(c_set_nlp_prop(plan%handle, c_loc(Q), mlmd_complex64, transpose(S)), status)
  end subroutine

  subroutine set_dp(plan, Q, S, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_double), intent(in), contiguous, target :: Q(:, :, :, :)
    complex(c_double), intent(in) :: S(:, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(Q), status, first=plan%rank)) return
    if (misfits_middle(plan, shape(S), status)) return
    call finish(c_set_nlp_prop(plan%handle, c_loc(Q), mlmd_complex128, transpose(S)), status)
  end subroutine

  subroutine nlp_prop_sp(plan, psi, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_float), intent(inout), contiguous, target :: psi(:, :, :, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(psi), status, mlmd_complex64, plan%on%norb)) return
    call finish(c_nlp_prop(plan%handle, c_loc(psi)), status)
  end subroutine

  subroutine nlp_prop_dp(plan, psi, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_double), intent(inout), contiguous, target :: psi(:, :, :, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(psi), status, mlmd_complex128, plan%on%norb)) return
    call finish(c_nlp_prop(plan%handle, c_loc(psi)), status)
  end subroutine

  ! Plan of the overlaps psi0^H psi dv.
  subroutine mlmd_plan_overlap(on, rank, plan, options, status)
    type(mlmd_domain), intent(in) :: on
    integer, intent(in) :: rank
    type(mlmd_plan), intent(out) :: plan
    type(mlmd_options), intent(in), optional :: options
    integer, intent(out), optional :: status
    plan%on = on
    plan%rank = rank
    call finish(c_plan_overlap(on, int(rank, c_int64_t), options, plan%handle), status)
  end subroutine

  ! overlaps(s, r) <- sum conj(psi0_r) psi_s dv: the orbital of psi comes first, as in psi.
  subroutine overlap_sp(plan, psi0, psi, overlaps, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_float), intent(in), contiguous, target :: psi0(:, :, :, :), psi(:, :, :, :)
    complex(c_double), intent(out), contiguous :: overlaps(:, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(psi0), status, mlmd_complex64, plan%rank)) return
    if (misfits(plan%on, shape(psi), status, mlmd_complex64, plan%on%norb)) return
    if (misfits_overlaps(plan, shape(overlaps), status)) return
    call finish(c_overlap(plan%handle, c_loc(psi0), c_loc(psi), overlaps), status)
  end subroutine

  subroutine overlap_dp(plan, psi0, psi, overlaps, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_double), intent(in), contiguous, target :: psi0(:, :, :, :), psi(:, :, :, :)
    complex(c_double), intent(out), contiguous :: overlaps(:, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(psi0), status, mlmd_complex128, plan%rank)) return
    if (misfits(plan%on, shape(psi), status, mlmd_complex128, plan%on%norb)) return
    if (misfits_overlaps(plan, shape(overlaps), status)) return
    call finish(c_overlap(plan%handle, c_loc(psi0), c_loc(psi), overlaps), status)
  end subroutine

  ! Plan of n = sum_s f_s |psi_s|^2.
  subroutine mlmd_plan_density(on, plan, options, status)
    type(mlmd_domain), intent(in) :: on
    type(mlmd_plan), intent(out) :: plan
    type(mlmd_options), intent(in), optional :: options
    integer, intent(out), optional :: status
    plan%on = on
    call finish(c_plan_density(on, options, plan%handle), status)
  end subroutine

  subroutine density_sp(plan, psi, f, n, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_float), intent(in), contiguous, target :: psi(:, :, :, :)
    real(c_double), intent(in), contiguous :: f(:)
    real(c_double), intent(out), contiguous :: n(:, :, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(n), status)) return
    if (misfits(plan%on, shape(psi), status, mlmd_complex64, plan%on%norb)) return
    if (misfits_occupations(plan, size(f), status)) return
    call finish(c_density(plan%handle, c_loc(psi), f, n), status)
  end subroutine

  subroutine density_dp(plan, psi, f, n, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_double), intent(in), contiguous, target :: psi(:, :, :, :)
    real(c_double), intent(in), contiguous :: f(:)
    real(c_double), intent(out), contiguous :: n(:, :, :)
    integer, intent(out), optional :: status
    if (misfits(plan%on, shape(n), status)) return
    if (misfits(plan%on, shape(psi), status, mlmd_complex128, plan%on%norb)) return
    if (misfits_occupations(plan, size(f), status)) return
    call finish(c_density(plan%handle, c_loc(psi), f, n), status)
  end subroutine

  ! Plan of norm, kinetic energy, current and, if wished, the density in one read of psi.
  subroutine mlmd_plan_current(on, plan, options, status)
    type(mlmd_domain), intent(in) :: on
    type(mlmd_plan), intent(out) :: plan
    type(mlmd_options), intent(in), optional :: options
    integer, intent(out), optional :: status
    plan%on = on
    call finish(c_plan_current(on, options, plan%handle), status)
  end subroutine

  subroutine current_sp(plan, psi, f, measure, A, n, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_float), intent(in), contiguous, target :: psi(:, :, :, :)
    real(c_double), intent(in), contiguous :: f(:)
    type(mlmd_measure), intent(out) :: measure
    real(c_double), intent(in), optional :: A(3)
    real(c_double), intent(inout), optional, contiguous :: n(:, :, :)
    integer, intent(out), optional :: status
    if (present(n)) then
      if (misfits(plan%on, shape(n), status)) return
    end if
    if (misfits(plan%on, shape(psi), status, mlmd_complex64, plan%on%norb)) return
    if (misfits_occupations(plan, size(f), status)) return
    call finish(c_current(plan%handle, c_loc(psi), f, A, n, measure), status)
  end subroutine

  subroutine current_dp(plan, psi, f, measure, A, n, status)
    type(mlmd_plan), intent(in) :: plan
    complex(c_double), intent(in), contiguous, target :: psi(:, :, :, :)
    real(c_double), intent(in), contiguous :: f(:)
    type(mlmd_measure), intent(out) :: measure
    real(c_double), intent(in), optional :: A(3)
    real(c_double), intent(inout), optional, contiguous :: n(:, :, :)
    integer, intent(out), optional :: status
    if (present(n)) then
      if (misfits(plan%on, shape(n), status)) return
    end if
    if (misfits(plan%on, shape(psi), status, mlmd_complex128, plan%on%norb)) return
    if (misfits_occupations(plan, size(f), status)) return
    call finish(c_current(plan%handle, c_loc(psi), f, A, n, measure), status)
  end subroutine

  ! Plan of the potential of a density.
  subroutine mlmd_plan_hartree(grid, plan, method, options, status)
    type(mlmd_box), intent(in) :: grid
    type(mlmd_plan), intent(out) :: plan
    type(mlmd_hartree_method), intent(in), optional :: method
    type(mlmd_options), intent(in), optional :: options
    integer, intent(out), optional :: status
    plan%on%grid = grid
    call finish(c_plan_hartree(grid, method, options, plan%handle), status)
  end subroutine

  subroutine mlmd_execute_hartree(plan, n, v, start, status)
    type(mlmd_plan), intent(in) :: plan
    real(c_double), intent(in), contiguous :: n(:, :, :)
    real(c_double), intent(inout), contiguous :: v(:, :, :)
    real(c_double), intent(in), optional, contiguous :: start(:, :, :)
    integer, intent(out), optional :: status
    if (present(start)) then
      if (misfits(plan%on, shape(start), status)) return
    end if
    if (misfits(plan%on, shape(n), status)) return
    if (misfits(plan%on, shape(v), status)) return
    call finish(c_hartree(plan%handle, n, start, v), status)
  end subroutine

  ! The status to the caller, or the words on the screen and an end.
  subroutine finish(answer, status)
    integer(c_int), intent(in) :: answer
    integer, intent(out), optional :: status
    if (present(status)) then
      status = answer
    else if (answer /= mlmd_ok) then
      write (error_unit, '(4a)') "mlmd: ", mlmd_status_name(int(answer)), ": ", mlmd_last_error()
      error stop 1
    end if
  end subroutine

  ! Whether an array is not of the plan's grid, or has not the type or the first extent that it should have.
  logical function misfits(on, extents, status, type, first)
    type(mlmd_domain), intent(in) :: on
    integer, intent(in) :: extents(:)
    integer, intent(out), optional :: status
    integer(c_int), intent(in), optional :: type
    integer(c_int64_t), intent(in), optional :: first
    integer :: grid
    grid = size(extents) - 2
    misfits = any(extents(grid:) /= on%grid%n(3:1:-1))
    if (present(first)) misfits = misfits .or. extents(1) /= first
    if (present(type)) misfits = misfits .or. type /= on%type
    if (misfits) call refuse("an array has not the shape or the type of the plan: psi(norb, nz, ny, nx), v(nz, ny, nx)", &
                             status)
  end function

  logical function misfits_middle(plan, extents, status)
    type(mlmd_plan), intent(in) :: plan
    integer, intent(in) :: extents(2)
    integer, intent(out), optional :: status
    misfits_middle = any(extents /= plan%rank)
    if (misfits_middle) call refuse("S is not (rank, rank)", status)
  end function

  logical function misfits_overlaps(plan, extents, status)
    type(mlmd_plan), intent(in) :: plan
    integer, intent(in) :: extents(2)
    integer, intent(out), optional :: status
    misfits_overlaps = extents(1) /= plan%on%norb .or. extents(2) /= plan%rank
    if (misfits_overlaps) call refuse("the overlaps are not (norb, rank)", status)
  end function

  logical function misfits_occupations(plan, count, status)
    type(mlmd_plan), intent(in) :: plan
    integer, intent(in) :: count
    integer, intent(out), optional :: status
    misfits_occupations = count /= plan%on%norb
    if (misfits_occupations) call refuse("f has not one number for each orbital", status)
  end function

  subroutine refuse(words, status)
    character(len=*), intent(in) :: words
    integer, intent(out), optional :: status
    if (present(status)) then
      status = mlmd_bad_argument
    else
      write (error_unit, '(2a)') "mlmd: ", words
      error stop 1
    end if
  end subroutine

  integer(c_int32_t) function count_of(steps)
    integer, intent(in), optional :: steps
    count_of = 1
    if (present(steps)) count_of = int(steps, c_int32_t)
  end function

  function text_of(address) result(text)
    type(c_ptr), intent(in) :: address
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: letters(:)
    integer :: k
    call c_f_pointer(address, letters, [int(c_strlen(address))])
    allocate (character(len=size(letters)) :: text)
    do k = 1, size(letters)
      text(k:k) = letters(k)
    end do
  end function

end module mlmd_kernels
