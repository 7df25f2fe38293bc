/** A handle of MPI: an integer, or an address. */
export type Handle = number | bigint;

/** Handles and constants of MPI, which each binary interface numbers differently. */
export interface Abi {
  /** C type of handles. */
  readonly handle: 'int' | 'void *';
  readonly world: Handle;
  readonly float: Handle;
  readonly double: Handle;
  readonly byte: Handle;
  readonly sum: Handle;
  readonly errorsReturn: Handle;
  readonly inPlace: bigint;
  /** Thread level at which only the thread that initialised MPI calls it. */
  readonly funneled: number;
}

/** MPI 5.0's standard interface, in `libmpi_abi.so`. */
const standard: Abi = {
  handle: 'void *',
  world: 0x101n,
  float: 0x210n,
  double: 0x214n,
  byte: 0x247n,
  sum: 0x21n,
  errorsReturn: 0x143n,
  inPlace: 1n,
  funneled: 1024,
};

/** MPICH since 3.1, and with it Intel MPI, MVAPICH and Cray MPI. */
const mpich: Abi = {
  handle: 'int',
  world: 0x44000000,
  float: 0x4c00040a,
  double: 0x4c00080b,
  byte: 0x4c00010d,
  sum: 0x58000003,
  errorsReturn: 0x54000001,
  inPlace: 2n ** 64n - 1n,
  funneled: 1,
};

/** Open MPI 4 and 5, whose handles are addresses of variables. */
const openMpi = (address: (variable: string) => bigint): Abi => ({
  handle: 'void *',
  world: address('ompi_mpi_comm_world'),
  float: address('ompi_mpi_float'),
  double: address('ompi_mpi_double'),
  byte: address('ompi_mpi_byte'),
  sum: address('ompi_mpi_op_sum'),
  errorsReturn: address('ompi_mpi_errors_return'),
  inPlace: 1n,
  funneled: 1,
});

/** Parts of a loaded library by which its interface is known. */
export interface Symbols {
  /** Address of a variable; undefined if the library has none of this name. */
  address(variable: string): bigint | undefined;
  /** Major version that `MPI_Abi_get_version` reports; negative or undefined without the standard interface. */
  readonly standardVersion: number | undefined;
}

/** The binary interface of a loaded library. */
export function abiOf({ address, standardVersion = -1 }: Symbols): Abi {
  if (address('ompi_mpi_comm_world') !== undefined) return openMpi((variable) => address(variable)!);
  return standardVersion >= 1 ? standard : mpich;
}
