/* A clock that is shifted, or goes backwards from the moment at which a process asks for the first time. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long begun;

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  const char *shift = getenv("CLOCK_SHIFT"), *backwards = getenv("CLOCK_BACKWARDS");
  long long now = time->tv_sec * 1000000000LL + time->tv_nsec;
  if (begun == 0) begun = now;
  if (backwards && backwards[0] == '1') now = 2 * begun - now;
  time->tv_sec = now / 1000000000LL + (shift ? atoll(shift) : 0);
  time->tv_nsec = now % 1000000000LL;
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}
