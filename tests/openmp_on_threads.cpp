// An OpenMP runtime of std::thread, mutex and condition variable, for the thread sanitizer.
//
// The sanitizer learns who waits for whom from the pthread functions.  libgomp waits by system calls of its own, so
// that all that a parallel region reads of what was written before it would look like a race.  Put before libgomp in
// LD_PRELOAD, this library stands in for the few functions that GCC compiles the kernels to; each region gets threads
// of its own.  It is made to be right, not fast.
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace {

class Team {
  public:
    explicit Team(unsigned size) : size_(size) {}

    unsigned size() const { return size_; }

    void wait() {
        std::unique_lock<std::mutex> lock(mutex_);
        const unsigned round = round_;
        if (++waiting_ == size_) {
            waiting_ = 0;
            ++round_;
            all_here_.notify_all();
        } else {
            all_here_.wait(lock, [&] { return round_ != round; });
        }
    }

  private:
    const unsigned size_;
    unsigned waiting_ = 0, round_ = 0;
    std::mutex mutex_;
    std::condition_variable all_here_;
};

thread_local Team *team = nullptr;
thread_local unsigned thread_index = 0;
std::mutex atomic_update;

}  // namespace

extern "C" {

void GOMP_parallel(void (*work)(void *), void *data, unsigned threads, unsigned) {
    Team here(threads ? threads : std::thread::hardware_concurrency());
    const auto member = [&](unsigned index) {
        Team *const outer = team;
        const unsigned outer_index = thread_index;
        team = &here;
        thread_index = index;
        work(data);
        team = outer;
        thread_index = outer_index;
    };
    std::vector<std::thread> others;
    for (unsigned k = 1; k < here.size(); ++k) others.emplace_back(member, k);
    member(0);
    for (std::thread &other : others) other.join();
}

void GOMP_barrier() {
    if (team) team->wait();
}

void GOMP_atomic_start() { atomic_update.lock(); }
void GOMP_atomic_end() { atomic_update.unlock(); }
int omp_get_thread_num() { return static_cast<int>(thread_index); }
int omp_get_num_threads() { return team ? static_cast<int>(team->size()) : 1; }

}  // extern "C"
