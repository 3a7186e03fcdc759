#include "wisdom.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <vector>

#include "json.h"

namespace mlmd {
namespace {

constexpr long long VERSION = 1;
const double FARTHEST = std::log(8.0);  // of a size that still counts as near

// What makes an entry one about the same thing, what makes it hold here, and the size.
struct Key {
    std::array<std::string, 4> same;        // kernel, backend, dtype, mode
    std::array<std::string, 3> conditions;  // device, build, threads
    std::array<long long, 5> size;          // nx, ny, nz, norb, rank

    bool operator==(const Key &other) const {
        return same == other.same && conditions == other.conditions && size == other.size;
    }
};

struct Entry {
    Key key;
    std::map<std::string, Json> tuning;
    std::string date;
};

struct Wisdom {
    std::mutex busy;
    std::vector<Entry> entries;
};

Wisdom &wisdom() {
    static Wisdom known;
    return known;
}

uint32_t crc32(const char *data, size_t size) {
    uint32_t crc = ~uint32_t(0);
    for (size_t k = 0; k < size; ++k) {
        crc ^= static_cast<unsigned char>(data[k]);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

// The line without its checksum, if it is whole.
std::string checked(const std::string &line) {
    static const std::string before = ", \"crc\": \"", after = "\"}";
    const size_t digits = 8, tail = before.size() + digits + after.size();
    if (line.size() < tail || line.compare(line.size() - tail, before.size(), before) ||
        line.compare(line.size() - after.size(), after.size(), after))
        throw BadLine("it is cut off, or no line of ours");
    char sum[9];
    std::snprintf(sum, sizeof sum, "%08x", crc32(line.data(), line.size() - tail));
    if (line.compare(line.size() - after.size() - digits, digits, sum))
        throw BadLine("its checksum is not that of its text: it was changed");
    return line.substr(0, line.size() - tail) + "}";
}

const Json &field(const std::map<std::string, Json> &fields, const char *name) {
    const auto found = fields.find(name);
    if (found == fields.end()) throw BadLine(std::string("it is no entry: there is no ") + name);
    return found->second;
}

Entry entry_of(const std::map<std::string, Json> &fields) {
    const auto text = [&](const char *name) { return field(fields, name).string(); };
    const auto whole = [&](const char *name) { return field(fields, name).whole(); };
    for (const char *name : {"seconds", "default_seconds"})
        if (!(field(fields, name).real() > 0.0))
            throw BadLine(std::string("it is no entry: ") + name + " is not above 0");
    if (field(fields, "tuning").kind != Json::Kind::nested) throw BadLine("it is no entry: tuning is no object");
    const Key key = {{text("kernel"), text("backend"), text("dtype"), text("mode")},
                     {text("device"), text("build"), std::to_string(whole("threads"))},
                     {whole("nx"), whole("ny"), whole("nz"), whole("norb"), whole("rank")}};
    return {key, Json::object(field(fields, "tuning").text), text("date")};
}

// The entry of a line, which is added to `entries` in place of one with its key; lines of another kind are passed over.
void take(const std::string &line, std::vector<Entry> *entries) {
    const std::map<std::string, Json> fields = Json::object(checked(line));
    const auto kernel = fields.find("kernel");
    if (kernel != fields.end() && kernel->second.text == "precision") return;
    const Entry entry = entry_of(fields);
    const auto old = std::find_if(entries->begin(), entries->end(), [&](const Entry &e) { return e.key == entry.key; });
    if (old == entries->end())
        entries->push_back(entry);
    else
        *old = entry;
}

// Whether a line is the first of a file of this version; throws for another version.
bool is_header(const std::string &line) {
    std::map<std::string, Json> fields;
    try {
        fields = Json::object(line);
    } catch (const BadLine &) {
        return false;
    }
    const auto version = fields.find("mlmd_wisdom");
    if (version == fields.end()) return false;
    if (version->second.text != std::to_string(VERSION))
        throw BadLine("this is wisdom of version " + version->second.text + "; this library reads " +
                      std::to_string(VERSION));
    return true;
}

std::string default_path() {
    const auto variable = [](const char *name) {
        const char *value = std::getenv(name);
        return std::string(value ? value : "");
    };
    if (!variable("MLMD_WISDOM").empty()) return variable("MLMD_WISDOM");
    if (!variable("MLMD_CACHE").empty()) return variable("MLMD_CACHE") + "/wisdom.jsonl";
    const std::string cache = variable("XDG_CACHE_HOME");
    return (cache.empty() ? variable("HOME") + "/.cache" : cache) + "/mlmd/wisdom.jsonl";
}

// |ln| of the ratio of points, plus those of orbitals and ranks.
double distance(const Key &a, const Key &b) {
    const auto ratio = [](long long m, long long n) {
        return std::abs(std::log(double(std::max(m, 1LL)) / double(std::max(n, 1LL))));
    };
    const auto points = [](const Key &key) { return key.size[0] * key.size[1] * key.size[2]; };
    return ratio(points(a), points(b)) + ratio(a.size[3], b.size[3]) + ratio(a.size[4], b.size[4]);
}

std::string size_in_words(const Key &key) {
    const auto number = [&](int k) { return std::to_string(key.size[k]); };
    return number(0) + "x" + number(1) + "x" + number(2) + (key.size[3] ? ", " + number(3) + " orbitals" : "") +
           (key.size[4] ? ", rank " + number(4) : "");
}

Key key_of(const Problem &problem, int threads) {
    const mlmd_domain &on = *problem.on;
    const char *build = mlmd_build_id((problem.field ? problem.mode : problem.kernel).c_str());
    return {{problem.kernel, "cpu", problem.field ? "float64" : type_name(on.type), problem.mode},
            {mlmd_device(), build ? build : "", std::to_string(threads)},
            {on.grid.n[0], on.grid.n[1], on.grid.n[2], on.norb, problem.rank.value_or(0)}};
}

// The place of a knob's value among the words for its values.
int32_t place(const std::vector<std::string> &values, const std::string &value) {
    const auto found = std::find(values.begin(), values.end(), value);
    if (found == values.end()) throw BadLine("'" + value + "' is no value of a knob");
    return static_cast<int32_t>(found - values.begin());
}

const std::vector<std::string> LEVELS = {"best", "v2", "v3", "v4", "v4bf16", "amx"};
const std::vector<std::string> SCHEDULES = {"static", "dynamic"};
const std::vector<std::string> FORMS = {"best", "own", "library"};

// The launch of an entry; throws BadLine for what this library does not know.
mlmd_launch launch_of(const Entry &entry, int32_t threads) {
    mlmd_launch launch = {threads, 0, 0, 0, 0};
    for (const auto &[name, value] : entry.tuning) {
        if (name == "isa")
            launch.isa = place(LEVELS, value.string());
        else if (name == "schedule")
            launch.schedule = place(SCHEDULES, value.string());
        else if (name == "form")
            launch.form = place(FORMS, value.string());
        else if (name == "block")
            launch.block = static_cast<int32_t>(std::clamp(value.whole(), 0LL, 1LL << 30));
        else if (name == "threads")
            launch.threads =
                value.whole() > 0 ? static_cast<int32_t>(std::min<long long>(value.whole(), threads)) : threads;
        else if (name == "solver" && value.string() == "fft")
            throw BadLine("its solver, fast transforms, is not in this library");
        else if (name != "solver")
            throw BadLine("this library has no knob '" + name + "'");
    }
    return launch;
}

// Why entries about the same thing do not hold here.
std::string stale(const Key &key, const Entry &entry) {
    static const char *const names[] = {"device", "build", "threads"};
    std::string text = "the entry of " + entry.date + " for " + size_in_words(entry.key) + " is stale: ";
    for (int k = 0, said = 0; k < 3; ++k)
        if (key.conditions[k] != entry.key.conditions[k])
            text += std::string(said++ ? "; " : "") + names[k] + " is " + key.conditions[k] + ", there " +
                    entry.key.conditions[k];
    return text;
}

// The nearest of the entries that suit; null if there is none.
template <class Suits>
const Entry *nearest(const std::vector<Entry> &entries, const Key &key, Suits &&suits) {
    const Entry *best = nullptr;
    for (const Entry &entry : entries)
        if (suits(entry) && (!best || distance(key, entry.key) < distance(key, best->key))) best = &entry;
    return best;
}

}  // namespace

const char *type_name(int32_t type) { return type == MLMD_COMPLEX64 ? "complex64" : "complex128"; }

std::string words(const mlmd_launch &launch) {
    std::string text;
    const auto add = [&](bool differs, const std::string &word) {
        if (differs) text += (text.empty() ? "" : " ") + word;
    };
    add(launch.isa, "isa=" + LEVELS[launch.isa]);
    add(launch.schedule, "schedule=" + SCHEDULES[launch.schedule]);
    add(launch.block, "block=" + std::to_string(launch.block));
    add(launch.form, "form=" + FORMS[launch.form]);
    return text.empty() ? "defaults" : text;
}

bool ask_wisdom(const Problem &problem, mlmd_launch *launch, std::string *reason) {
    const Key key = key_of(problem, launch->threads);
    Wisdom &known = wisdom();
    const std::lock_guard<std::mutex> lock(known.busy);
    const auto same = [&](const Entry &entry) { return entry.key.same == key.same; };
    const auto live = [&](const Entry &entry) { return same(entry) && entry.key.conditions == key.conditions; };
    const auto exact = [&](const Entry &entry) { return entry.key == key; };
    const Entry *near = nearest(known.entries, key, exact);
    if (!near) near = nearest(known.entries, key, live);
    if (!near) {
        const Entry *old = nearest(known.entries, key, same);
        *reason = old ? stale(key, *old) : "no wisdom about this";
        return false;
    }
    if (distance(key, near->key) > FARTHEST) {
        *reason = "no entry near this size; the nearest is " + size_in_words(near->key);
        return false;
    }
    try {
        mlmd_launch found = launch_of(*near, launch->threads);
        if (!exact(*near)) found.threads = launch->threads;  // they depend on the size most of all
        if (check(&found)) throw BadLine(mlmd_last_error());
        *launch = found;
    } catch (const BadLine &error) {
        *reason = "the entry for " + size_in_words(near->key) + " was passed over: " + error.what();
        return false;
    }
    *reason =
        exact(*near) ? "tuned on " + near->date : "as tuned for " + size_in_words(near->key) + ", the nearest size";
    return true;
}

// The lines of a file: entries, and how many were taken and refused; the first refusal in words, or nothing.
static std::string read(const std::string &path, std::istream &file, mlmd_wisdom_count *count,
                        std::vector<Entry> *entries) {
    std::string first, line;
    for (int64_t number = 1; std::getline(file, line); ++number) {
        const auto refuse = [&](const char *why) {
            if (first.empty()) first = path + ":" + std::to_string(number) + ": " + why;
            ++count->refused;
        };
        if (line.find_first_not_of(" \t\r\n") == std::string::npos) continue;
        try {
            if (number == 1 && is_header(line)) continue;
        } catch (const BadLine &other_version) {
            refuse(other_version.what());
            return first;
        }
        try {
            take(line, entries);
            ++count->taken;
        } catch (const BadLine &error) {
            refuse(error.what());
        }
    }
    return first;
}

static mlmd_status import_from(const char *given, mlmd_wisdom_count *count) {
    const std::string path = given ? given : default_path();
    std::ifstream file(path, std::ios::binary);
    if (!file && !given) return MLMD_OK;
    const std::string unreadable = path + ": wisdom cannot be read";
    if (!file) return fail(MLMD_BAD_FILE, (unreadable + " (" + std::strerror(errno) + ")").c_str());
    const std::lock_guard<std::mutex> lock(wisdom().busy);
    const std::string first = read(path, file, count, &wisdom().entries);
    if (file.bad()) return fail(MLMD_BAD_FILE, unreadable.c_str());
    if (first.empty()) return MLMD_OK;
    const std::string more = count->refused > 1 ? " (and " + std::to_string(count->refused - 1) + " more)" : "";
    return fail(MLMD_BAD_FILE, (first + more).c_str());
}

}  // namespace mlmd

mlmd_status mlmd_wisdom_import(const char *path, mlmd_wisdom_count *count) {
    mlmd_wisdom_count own = {0, 0};
    mlmd_status status;
    try {
        status = mlmd::import_from(path, &own);
    } catch (...) {
        status = mlmd::fail(MLMD_OUT_OF_MEMORY, "not enough memory for the wisdom");
    }
    if (count) *count = own;
    return status;
}

void mlmd_wisdom_forget(void) {
    const std::lock_guard<std::mutex> lock(mlmd::wisdom().busy);
    mlmd::wisdom().entries.clear();
}
