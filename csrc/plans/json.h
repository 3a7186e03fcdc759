// Reads one line of JSON.  Objects and arrays inside an object are kept as they stand, to be read when wanted.
#pragma once

#include <map>
#include <stdexcept>
#include <string>

namespace mlmd {

// The reason why a line does not hold.
struct BadLine : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Json {
  public:
    enum class Kind { text, number, nested, word };
    Kind kind = Kind::word;
    std::string text;  // of a string without quotes and escapes, else as it stands

    const std::string &string() const;
    long long whole() const;  // an integer
    double real() const;

    // The fields of an object; throws BadLine for anything else.
    static std::map<std::string, Json> object(const std::string &line);
};

}  // namespace mlmd
