! Every subroutine of the Fortran module, in both precisions, on two plane waves: k = 0 and the longest along x.
program every_call
  use, intrinsic :: iso_c_binding
  use mlmd_kernels
  implicit none
  integer, parameter :: nx = 8, ny = 6, nz = 4, norb = 2
  real(c_double), parameter :: h(3) = [0.5d0, 0.4d0, 0.3d0], pi = acos(-1d0), f(norb) = [2d0, 1d0]
  real(c_double), parameter :: volume = nx*ny*nz*product(h)
  real(c_double) :: v(nz, ny, nx), n(nz, ny, nx)
  complex(c_double) :: S(norb, norb), overlaps(norb, norb), waves(norb, nz, ny, nx)
  type(mlmd_domain) :: on
  type(mlmd_plan) :: hartree
  type(mlmd_wisdom_count) :: count
  integer :: ix, status

  call mlmd_check_abi(status)
  call expect("abi", real(status, c_double), 0d0)
  call mlmd_wisdom_import("no such file", count, status)
  call expect("a file that is not there", real(status, c_double), real(mlmd_bad_file, c_double))
  call mlmd_wisdom_forget()
  waves = 1/sqrt(volume)
  do ix = 1, nx
    waves(2, :, :, ix) = exp((0d0, 2d0)*pi*ix/nx)/sqrt(volume)
    v(:, :, ix) = cos(2*pi*ix/nx)
  end do
  on = mlmd_domain(mlmd_box([nx, ny, nz], h), norb, mlmd_complex128)
  call double()
  on%type = mlmd_complex64
  call single()
  call mlmd_plan_hartree(on%grid, hartree, mlmd_hartree_method(mlmd_annealing, 0, 4, 0d0))
  n = v*(2*sin(pi/nx)/h(1))**2/(4*pi)
  call mlmd_execute_hartree(hartree, n, n, start=v)
  call expect("potential that annealing keeps", maxval(abs(n - v)), 0d0, 1d-12)
  call mlmd_destroy(hartree)
  print '(a)', "passed"

contains

  subroutine double()
    type(mlmd_plan) :: kinetic, local, low_rank, overlap, density, current
    type(mlmd_measure) :: seen
    complex(c_double) :: psi(norb, nz, ny, nx)
    psi = waves
    call mlmd_plan_kin_prop(on, 0.1d0, kinetic)
    call mlmd_execute_kin_prop(kinetic, psi, A=[0d0, 0d0, 0d0], steps=2)
    call expect("k = 0 at rest", maxval(abs(psi(1, :, :, :) - waves(1, :, :, :))), 0d0, 1d-14)
    psi = waves
    call mlmd_plan_loc_prop(on, 0.3d0, local)
    call mlmd_execute_loc_prop(local, psi, v)
    call expect("phases", maxval(abs(psi(1, 1, 1, :) - waves(1, 1, 1, :)*exp((0d0, -0.3d0)*v(1, 1, :)))), 0d0, 1d-14)
    psi = waves
    call mlmd_plan_nlp_prop(on, norb, low_rank)
    S = 0
    S(1, 2) = 1
    call mlmd_set_nlp_prop(low_rank, waves, S)
    call mlmd_execute_nlp_prop(low_rank, psi)
    call mlmd_plan_overlap(on, norb, overlap)
    call mlmd_execute_overlap(overlap, waves, psi, overlaps)
    call expect_overlaps(1d-13)
    call mlmd_plan_density(on, density)
    call mlmd_execute_density(density, waves, f, n)
    call expect("density", maxval(abs(n - 3/volume)), 0d0, 1d-13)
    n = 0
    call mlmd_plan_current(on, current)
    call mlmd_execute_current(current, waves, f, seen, A=[0d0, 0d0, 0d0], n=n)
    call expect("density with the current", maxval(abs(n - 3/volume)), 0d0, 1d-13)
    call expect_current(seen, 1d-13)
    call mlmd_execute_current(current, waves, f, seen)
    call expect_current(seen, 1d-13)
    call mlmd_destroy(kinetic)
    call mlmd_destroy(local)
    call mlmd_destroy(low_rank)
    call mlmd_destroy(overlap)
    call mlmd_destroy(density)
    call mlmd_destroy(current)
  end subroutine

  subroutine single()
    type(mlmd_plan) :: kinetic, local, low_rank, overlap, density, current
    type(mlmd_measure) :: seen
    complex(c_float) :: psi(norb, nz, ny, nx), start(norb, nz, ny, nx)
    start = cmplx(waves, kind=c_float)
    psi = start
    call mlmd_plan_kin_prop(on, 0.1d0, kinetic)
    call mlmd_execute_kin_prop(kinetic, psi, steps=2)
    call expect("k = 0 at rest", real(maxval(abs(psi(1, :, :, :) - start(1, :, :, :))), c_double), 0d0, 1d-6)
    psi = start
    call mlmd_plan_loc_prop(on, 0.3d0, local)
    call mlmd_execute_loc_prop(local, psi, v)
    call expect("phases", maxval(abs(psi(1, 1, 1, :) - waves(1, 1, 1, :)*exp((0d0, -0.3d0)*v(1, 1, :)))), 0d0, 1d-6)
    psi = start
    call mlmd_plan_nlp_prop(on, norb, low_rank, mode=mlmd_bf16x3)
    call mlmd_set_nlp_prop(low_rank, start, S)
    call mlmd_execute_nlp_prop(low_rank, psi)
    call mlmd_plan_overlap(on, norb, overlap)
    call mlmd_execute_overlap(overlap, start, psi, overlaps)
    call expect_overlaps(1d-5)
    call mlmd_plan_density(on, density)
    call mlmd_execute_density(density, start, f, n)
    call expect("density", maxval(abs(n - 3/volume)), 0d0, 1d-6)
    call mlmd_plan_current(on, current)
    call mlmd_execute_current(current, start, f, seen, n=n)
    call expect_current(seen, 1d-6)
    call mlmd_destroy(kinetic)
    call mlmd_destroy(local)
    call mlmd_destroy(low_rank)
    call mlmd_destroy(overlap)
    call mlmd_destroy(density)
    call mlmd_destroy(current)
  end subroutine

  ! psi_2 became waves_2 + waves_1.
  subroutine expect_overlaps(allowed)
    real(c_double), intent(in) :: allowed
    complex(c_double) :: exact(norb, norb)
    exact = reshape([1, 1, 0, 1], [2, 2])
    call expect("overlaps", maxval(abs(overlaps - exact)), 0d0, allowed)
  end subroutine

  subroutine expect_current(seen, allowed)
    type(mlmd_measure), intent(in) :: seen
    real(c_double), intent(in) :: allowed
    real(c_double) :: k
    k = 2*pi/nx
    call expect("electrons", seen%norm, sum(f), 10*allowed)
    call expect("kinetic energy", seen%kinetic_energy, f(2)*(1 - cos(k))/h(1)**2, 100*allowed)
    call expect("current along x", seen%J(1), f(2)*sin(k)/h(1)/volume, 10*allowed)
    call expect("current elsewhere", maxval(abs(seen%J(2:))), 0d0, allowed)
  end subroutine

  subroutine expect(what, found, exact, allowed)
    character(len=*), intent(in) :: what
    real(c_double), intent(in) :: found, exact
    real(c_double), intent(in), optional :: allowed
    real(c_double) :: most
    most = 0
    if (present(allowed)) most = allowed
    if (abs(found - exact) <= most) return
    print '(a, 2es24.15)', what, found, exact
    error stop 1
  end subroutine

end program every_call
