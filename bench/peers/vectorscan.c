/* Reads a file, scans it with Vectorscan several times, prints seconds of
 * processor time and matches for each run. Built by `liuhen-bench scan`:
 *   cc -O2 vectorscan.c -o vectorscan $(pkg-config --cflags --libs libhs)
 * Arguments: FILE RUNS SOM(0|1) PATTERN...
 * Boundaries and check digits cannot be expressed here; matches are candidates. */
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int count(unsigned id, unsigned long long from, unsigned long long to,
                 unsigned flags, void *context) {
  (void)id, (void)from, (void)to, (void)flags;
  ++*(unsigned long long *)context;
  return 0;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  FILE *file = fopen(argv[1], "rb");
  if (!file) return 3;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *text = malloc((size_t)size + 1);
  if (!text || fread(text, 1, (size_t)size, file) != (size_t)size) return 3;
  fclose(file);

  int runs = atoi(argv[2]);
  unsigned patterns = (unsigned)(argc - 4);
  unsigned *flags = calloc(patterns, sizeof *flags);
  unsigned *ids = calloc(patterns, sizeof *ids);
  for (unsigned i = 0; i < patterns; i++) {
    ids[i] = i;
    flags[i] = atoi(argv[3]) ? HS_FLAG_SOM_LEFTMOST : 0;
  }
  hs_database_t *database = NULL;
  hs_compile_error_t *error = NULL;
  if (hs_compile_multi((const char *const *)(argv + 4), flags, ids, patterns,
                       HS_MODE_BLOCK, NULL, &database, &error) != HS_SUCCESS) {
    fprintf(stderr, "%s\n", error->message);
    return 4;
  }
  hs_scratch_t *scratch = NULL;
  if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) return 5;
  for (int run = 0; run < runs; run++) {
    unsigned long long matches = 0;
    double begun = now();
    if (hs_scan(database, text, (unsigned)size, 0, scratch, count, &matches) != HS_SUCCESS) return 6;
    printf("%.9f %llu\n", now() - begun, matches);
  }
  return 0;
}
