! Electrons in a harmonic well, against the formulas: coherent states that swing in three dimensions, in single
! precision, and the electrostatic potential of a wave of charge.
!
! Prints what was found beside what should be; stops with 1 if they differ by more than the grid explains.
program oscillator
  use, intrinsic :: iso_c_binding
  use mlmd_kernels
  implicit none
  integer, parameter :: n = 36, norb = 2, steps = 100
  real(c_double), parameter :: h = 0.35d0, dt = 0.025d0, omega = 0.4d0, pi = acos(-1d0)
  real(c_double), parameter :: start(3, norb) = reshape([1d0, 0d0, -0.5d0, 0d0, -0.8d0, 0d0], [3, norb])
  type(mlmd_domain) :: on
  type(mlmd_options) :: options
  logical :: fine = .true.

  call mlmd_check_abi()
  options%threads = 2
  on = mlmd_domain(mlmd_box([n, n, n], [h, h, h], [0, 0, 0]), norb, mlmd_complex64)
  call swing()
  call charge_wave()
  if (.not. fine) error stop 1
  print '(a)', "passed"

contains

  real(c_double) function place(k)
    integer, intent(in) :: k
    place = (k - 0.5d0*(n + 1))*h
  end function

  ! Each orbital is a ground state of the well, moved by start(:, s): its mean swings as start cos(omega t).
  subroutine swing()
    type(mlmd_plan) :: kinetic, density
    complex(c_float), allocatable :: psi(:, :, :, :)
    real(c_double), allocatable :: v(:, :, :), f(:), charge(:, :, :)
    real(c_double) :: time
    integer :: s, part
    allocate (psi(norb, n, n, n), v(n, n, n), charge(n, n, n), f(norb))
    call prepare(psi, v)
    call mlmd_plan_kin_prop(on, dt, kinetic, options)
    call mlmd_plan_density(on, density, options)
    print '(a)', mlmd_plan_describe(kinetic)
    do part = 1, 3
      call mlmd_execute_kin_prop(kinetic, psi, v=v, steps=steps)
      time = part*steps*dt
      do s = 1, norb
        f = 0
        f(s) = 1
        call mlmd_execute_density(density, psi, f, charge)
        call compare("electrons", sum(charge)*h**3, 1d0, 2d-5)
        call compare("mean of x", mean(charge, 1), start(1, s)*cos(omega*time), 2d-2)
        call compare("mean of y", mean(charge, 2), start(2, s)*cos(omega*time), 2d-2)
        call compare("mean of z", mean(charge, 3), start(3, s)*cos(omega*time), 2d-2)
      end do
    end do
    call mlmd_destroy(kinetic)
    call mlmd_destroy(density)
  end subroutine

  subroutine prepare(psi, v)
    complex(c_float), intent(out) :: psi(:, :, :, :)
    real(c_double), intent(out) :: v(:, :, :)
    real(c_double) :: r(3)
    integer :: ix, iy, iz, s
    do ix = 1, n
      do iy = 1, n
        do iz = 1, n
          r = [place(ix), place(iy), place(iz)]
          v(iz, iy, ix) = 0.5d0*omega**2*sum(r**2)
          do s = 1, norb
            psi(s, iz, iy, ix) = cmplx((omega/pi)**0.75d0*exp(-0.5d0*omega*sum((r - start(:, s))**2)), kind=c_float)
          end do
        end do
      end do
    end do
  end subroutine

  real(c_double) function mean(charge, axis)
    real(c_double), intent(in) :: charge(:, :, :)
    integer, intent(in) :: axis
    real(c_double) :: along(n)
    integer :: k
    along = sum(sum(charge, dim=merge(2, 1, axis == 3)), dim=merge(1, 2, axis == 1))
    mean = sum([(place(k), k=1, n)]*along)*h**3
  end function

  ! n = cos(2 pi x / L) in a periodic box has v = 4 pi n / k^2, with k^2 that of 3-point differences.
  subroutine charge_wave()
    type(mlmd_plan) :: hartree
    type(mlmd_box) :: box
    real(c_double), allocatable :: charge(:, :, :), v(:, :, :)
    real(c_double) :: k2
    integer :: ix
    box = mlmd_box([n, n, n], [h, h, h], [1, 1, 1])
    allocate (charge(n, n, n), v(n, n, n))
    do ix = 1, n
      charge(:, :, ix) = cos(2*pi*ix/n)
    end do
    k2 = (2*sin(pi/n)/h)**2
    call mlmd_plan_hartree(box, hartree, mlmd_hartree_method(mlmd_multigrid, 50, 0, 1d-9), options)
    call mlmd_execute_hartree(hartree, charge, v)
    call compare("worst potential of a charge wave", maxval(abs(v - 4*pi*charge/k2)), 0d0, 1d-6)
    call mlmd_destroy(hartree)
  end subroutine

  subroutine compare(what, found, exact, allowed)
    character(len=*), intent(in) :: what
    real(c_double), intent(in) :: found, exact, allowed
    logical :: right
    right = abs(found - exact) <= allowed
    print '(a34, f13.8, "   formula", f13.8, 3x, a)', what, found, exact, merge("ok   ", "WRONG", right)
    fine = fine .and. right
  end subroutine

end program oscillator
