import { join } from 'node:path';

/** A wheel of the Python package index and the hash of its bytes. */
export interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

/** A library with its dependencies. */
export interface LibrarySet {
  readonly description: string;
  /** Path below the cache folder, with `/`. */
  readonly folder: string;
  /** Platform of the hashed wheels, as Node names it. */
  readonly platform: 'linux';
  readonly architecture: 'x64';
  /** Remedy for other machines. */
  readonly elsewhere: string;
  readonly wheels: readonly Wheel[];
  /** Files of the wheels to leave out, by their paths in the folder. */
  readonly omit?: readonly string[];
}

/** Path of a set in the cache folder. */
export const setFolder = ({ folder }: LibrarySet, cache: string): string => join(cache, ...folder.split('/'));

const wheel = (name: string, version: string, sha256: string): Wheel => ({ name, version, sha256 });

export type LibraryName = 'onednn' | 'cuda13' | 'cpu';

const linux = { platform: 'linux', architecture: 'x64' } as const;
const plugin = {
  ...linux,
  elsewhere: 'install a PJRT plugin another way and name it in BEYOND_MASKING_PJRT_PLUGIN',
};

/** The library sets of `setup`. The versions of CUDA's libraries are pip's choice for the plugin's requirements. */
export const librarySets: Readonly<Record<LibraryName, LibrarySet>> = {
  onednn: {
    description: 'oneDNN 3.2 for CPUs (39 MB): the onednn engine, without root; needs libgomp.so.1',
    folder: 'onednn',
    ...linux,
    elsewhere: 'the onnx engine runs there',
    // The last version for GNU's OpenMP; later ones need the runtime of SYCL.
    wheels: [
      wheel(
        'onednn-cpu-gomp',
        '2023.2.0',
        '2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb',
      ),
    ],
    omit: ['lib/libdnnl.so', 'lib/libdnnl.so.3.2'], // copies of lib/libdnnl.so.3, 55 MB each
  },
  cuda13: {
    description: 'XLA for NVIDIA GPUs with a driver for CUDA 13, and the CUDA libraries: a large download',
    folder: 'pjrt/cuda13',
    ...plugin,
    wheels: [
      wheel('jax-cuda13-pjrt', '0.11.2', 'e5ff589d43064913bb74027682d89639c7ea48f9f81c2bae6fc75117e913f93e'),
      wheel(
        'nvidia-cublas',
        '13.10.0.20',
        'dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84',
      ),
      wheel(
        'nvidia-cuda-cccl',
        '13.3.5.0.6',
        'd5230098fa2df5021e1a00c0c4eee41797671a91119d31e892463e5ccf3ee326',
      ),
      wheel('nvidia-cuda-crt', '13.5.37', 'e898b7f73d3035fa89915a3f7bf3b54a73e90249746111aed295822c4729bb29'),
      wheel(
        'nvidia-cuda-cupti',
        '13.5.25',
        '9dcca41c12a734192b14e7128ae116bc9ce1b9da686e2ebf48ae7a4415f76650',
      ),
      wheel(
        'nvidia-cuda-nvcc',
        '13.5.37',
        'f5c4f7ead5d964fb4af42bbf1e6d3ec3c1e6e9d83b53749f691d387e7fcaa3a7',
      ),
      wheel(
        'nvidia-cuda-nvrtc',
        '13.5.37',
        '86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc',
      ),
      wheel(
        'nvidia-cuda-runtime',
        '13.5.37',
        'df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d',
      ),
      wheel(
        'nvidia-cudnn-cu13',
        '9.28.1.4',
        'a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec',
      ),
      wheel('nvidia-cufft', '12.5.0.14', 'b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad'),
      wheel(
        'nvidia-cusolver',
        '12.4.1.2',
        'b3b8e02fd2f2df869369af075dc3a179d43f6f7b85e94632a7dce556697be044',
      ),
      wheel(
        'nvidia-cusparse',
        '12.9.4.2',
        '072667e58c851a318738f5527a12eb225cbf058803f2ea451c722d8cf8edddec',
      ),
      wheel('nvidia-nccl-cu13', '2.32.3', '1459723080ac889d73a26edfa3e04383a7928ab31ac8f0ec43b3ea9548b04ff3'),
      wheel(
        'nvidia-nvjitlink',
        '13.5.37',
        '280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb',
      ),
      wheel(
        'nvidia-nvshmem-cu13',
        '3.8.0',
        '81a4d1f666543e6d34df6d2ff940c7da1435e34e186aab6f3c2b48861b64ef38',
      ),
      wheel('nvidia-nvvm', '13.5.37', 'c41bfa362e407405163f103c2229f0765f8cc2ed7d148b754dc77f228bf7e070'),
    ],
  },
  cpu: {
    description: 'XLA for CPUs (63 MB): for tests, and to try the xla engine without a GPU',
    folder: 'pjrt/cpu',
    ...plugin,
    wheels: [
      wheel(
        'lammps-jax-pjrt-cpu',
        '0.11.2',
        '1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1',
      ),
    ],
  },
};
