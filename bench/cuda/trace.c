/*
 * Records the start and end of every kernel, copy and fill on NVIDIA GPUs, for any program.
 *
 *   gcc -O2 -shared -fPIC -I CUDA/include bench/cuda/trace.c -o trace.so CUDA/lib/libcupti.so.13
 *   CUDA_INJECTION64_PATH=$PWD/trace.so TRACE_FOLDER=/tmp npm run bench -- accelerator --batch 256 --attention fused --steps 20
 *   python3 bench/cuda/sum.py /tmp/PID.tsv
 *
 * Writes TRACE_FOLDER/PID.tsv: start, end (nanoseconds), name, and the grid or the number of bytes. CUDA is the folder of its
 * toolkit. CUPTI's library must be found when the program runs (LD_LIBRARY_PATH).
 */
#include <cupti.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static FILE *out;

static void row(uint64_t start, uint64_t end, const char *name, const char *size) {
  fprintf(out, "%llu\t%llu\t%s\t%s\n", (unsigned long long)start, (unsigned long long)end, name, size);
}

static void completed(CUcontext context, uint32_t stream, uint8_t *buffer, size_t size, size_t valid) {
  CUpti_Activity *record = NULL;
  char text[64];
  while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) {
      CUpti_ActivityKernel4 *kernel = (CUpti_ActivityKernel4 *)record; /* later versions begin with the same fields */
      snprintf(text, sizeof text, "%dx%dx%d", kernel->gridX, kernel->gridY, kernel->gridZ);
      row(kernel->start, kernel->end, kernel->name, text);
    } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
      CUpti_ActivityMemcpy *copy = (CUpti_ActivityMemcpy *)record;
      snprintf(text, sizeof text, "%llu", (unsigned long long)copy->bytes);
      row(copy->start, copy->end, copy->copyKind == CUPTI_ACTIVITY_MEMCPY_KIND_HTOD ? "copy from host" : "copy", text);
    } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMSET) {
      CUpti_ActivityMemset *fill = (CUpti_ActivityMemset *)record;
      snprintf(text, sizeof text, "%llu", (unsigned long long)fill->bytes);
      row(fill->start, fill->end, "fill", text);
    }
  }
  free(buffer);
}

static void requested(uint8_t **buffer, size_t *size, size_t *records) {
  *size = 8 << 20;
  *buffer = aligned_alloc(8, *size);
  *records = 0;
}

static void finish(void) {
  cuptiActivityFlushAll(1);
  fclose(out);
}

/* The driver calls this as it starts. */
int InitializeInjection(void) {
  char path[4096];
  const char *folder = getenv("TRACE_FOLDER");
  snprintf(path, sizeof path, "%s/%d.tsv", folder ? folder : ".", (int)getpid());
  out = fopen(path, "w");
  if (!out) return 0;
  cuptiActivityRegisterCallbacks(requested, completed);
  cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
  cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY);
  cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMSET);
  atexit(finish);
  return 1;
}
