// C11's threads by POSIX ones, for builds with TSan alone: librdkafka uses the former, TSan knows
// the latter, and a thread that it has not seen begin crashes it. In glibc the one's types are the
// other's. Linked into every executable that has the sink, in front of libc's own.
#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <cstdint>
#include <memory>

namespace {

struct Start {
  thrd_start_t run;
  void* argument;
};

void* Run(void* opaque) {
  const std::unique_ptr<Start> start(static_cast<Start*>(opaque));
  return reinterpret_cast<void*>(static_cast<intptr_t>(start->run(start->argument)));
}

pthread_mutex_t* Of(mtx_t* mutex) { return reinterpret_cast<pthread_mutex_t*>(mutex); }
pthread_cond_t* Of(cnd_t* condition) { return reinterpret_cast<pthread_cond_t*>(condition); }

int Done(int error) {
  if (error == 0) return thrd_success;
  return error == ETIMEDOUT ? thrd_timedout : thrd_error;
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t run, void* argument) {
  return Done(pthread_create(thread, nullptr, &Run, new Start{run, argument}));
}

int thrd_join(thrd_t thread, int* result) {
  void* value = nullptr;
  const int error = pthread_join(thread, &value);
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<intptr_t>(value));
  return Done(error);
}

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if ((type & mtx_recursive) != 0) {
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  }
  return Done(pthread_mutex_init(Of(mutex), &attributes));
}

void mtx_destroy(mtx_t* mutex) { pthread_mutex_destroy(Of(mutex)); }
int mtx_lock(mtx_t* mutex) { return Done(pthread_mutex_lock(Of(mutex))); }
int mtx_unlock(mtx_t* mutex) { return Done(pthread_mutex_unlock(Of(mutex))); }

int cnd_init(cnd_t* condition) { return Done(pthread_cond_init(Of(condition), nullptr)); }
void cnd_destroy(cnd_t* condition) { pthread_cond_destroy(Of(condition)); }
int cnd_signal(cnd_t* condition) { return Done(pthread_cond_signal(Of(condition))); }
int cnd_broadcast(cnd_t* condition) { return Done(pthread_cond_broadcast(Of(condition))); }
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return Done(pthread_cond_wait(Of(condition), Of(mutex)));
}
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
  return Done(pthread_cond_timedwait(Of(condition), Of(mutex), until));
}

// Within the library TSan sees the calls, but not the atomics between them.
const char* __tsan_default_suppressions() { return "race:librdkafka.so\n"; }
}
