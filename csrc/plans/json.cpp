#include "json.h"

#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace mlmd {
namespace {

constexpr int DEEPEST = 16;

class Reader {
  public:
    explicit Reader(const std::string &line) : at_(line.data()), end_(line.data() + line.size()) {}

    std::map<std::string, Json> object() {
        std::map<std::string, Json> fields;
        each('{', '}', [&] {
            const std::string name = quoted();
            expect(':');
            if (!fields.emplace(name, value(0)).second) throw BadLine("'" + name + "' is there twice");
        });
        skip_blanks();
        if (at_ != end_) throw BadLine("something follows the object");
        return fields;
    }

  private:
    Json value(int depth) {
        skip_blanks();
        const char *begin = at_;
        if (at_ == end_) throw BadLine("it is cut off");
        if (*at_ == '"') return {Json::Kind::text, quoted()};
        if (*at_ == '{' || *at_ == '[') {
            if (depth == DEEPEST) throw BadLine("it is nested too deeply");
            const bool named = *at_ == '{';
            each(*at_, named ? '}' : ']', [&] {
                if (named) {
                    quoted();
                    expect(':');
                }
                value(depth + 1);
            });
            return {Json::Kind::nested, std::string(begin, at_)};
        }
        while (at_ != end_ && (std::isalnum(static_cast<unsigned char>(*at_)) || std::strchr("+-.", *at_))) ++at_;
        return plain(std::string(begin, at_));
    }

    static Json plain(const std::string &word) {
        if (word == "true" || word == "false" || word == "null") return {Json::Kind::word, word};
        char *end = nullptr;
        const bool starts = !word.empty() && (word[0] == '-' || (word[0] >= '0' && word[0] <= '9'));
        const double number = std::strtod(word.c_str(), &end);
        if (!starts || *end || !std::isfinite(number)) throw BadLine("'" + word + "' is no value");
        return {Json::Kind::number, word};
    }

    // Members between two brackets, with commas between them.
    template <class Member>
    void each(char open, char close, Member &&member) {
        expect(open);
        skip_blanks();
        if (at_ != end_ && *at_ == close) {
            ++at_;
            return;
        }
        for (;;) {
            member();
            skip_blanks();
            if (at_ != end_ && *at_ == close) break;
            expect(',');
        }
        ++at_;
    }

    std::string quoted() {
        expect('"');
        std::string text;
        while (at_ != end_ && *at_ != '"') {
            if (static_cast<unsigned char>(*at_) < 0x20) throw BadLine("a string has a control character");
            if (*at_ == '\\')
                add_escaped(&text);
            else
                text += *at_++;
        }
        expect('"');
        return text;
    }

    void add_escaped(std::string *text) {
        static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
        ++at_;
        if (at_ == end_) throw BadLine("it is cut off");
        const char *name = std::strchr(names, *at_);
        if (name && *name) {
            *text += means[name - names];
            ++at_;
            return;
        }
        if (*at_++ != 'u') throw BadLine("a string has an unknown escape");
        unsigned long code = four_digits();
        if (code >= 0xd800 && code < 0xdc00) {
            if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') throw BadLine("a string has half a character");
            at_ += 2;
            const unsigned long low = four_digits();
            if (low < 0xdc00 || low >= 0xe000) throw BadLine("a string has half a character");
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        add_utf8(code, text);
    }

    unsigned long four_digits() {
        unsigned long code = 0;
        for (int k = 0; k < 4; ++k, ++at_) {
            if (at_ == end_ || !std::isxdigit(static_cast<unsigned char>(*at_)))
                throw BadLine("a string has an unknown escape");
            const int digit = *at_ <= '9' ? *at_ - '0' : (*at_ | 0x20) - 'a' + 10;
            code = 16 * code + digit;
        }
        return code;
    }

    static void add_utf8(unsigned long code, std::string *text) {
        const auto add = [&](unsigned long byte) { *text += static_cast<char>(byte); };
        if (code < 0x80) return add(code);
        if (code < 0x800) {
            add(0xc0 | code >> 6);
        } else if (code < 0x10000) {
            add(0xe0 | code >> 12);
            add(0x80 | (code >> 6 & 0x3f));
        } else {
            add(0xf0 | code >> 18);
            add(0x80 | (code >> 12 & 0x3f));
            add(0x80 | (code >> 6 & 0x3f));
        }
        add(0x80 | (code & 0x3f));
    }

    void skip_blanks() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r')) ++at_;
    }

    void expect(char wanted) {
        skip_blanks();
        if (at_ == end_) throw BadLine("it is cut off");
        if (*at_ != wanted) throw BadLine(std::string("there is no ") + wanted + " where one should be");
        ++at_;
    }

    const char *at_, *end_;
};

}  // namespace

const std::string &Json::string() const {
    if (kind != Kind::text) throw BadLine("'" + text + "' is no string");
    return text;
}

long long Json::whole() const {
    char *end = nullptr;
    errno = 0;
    const long long number = std::strtoll(text.c_str(), &end, 10);
    if (kind != Kind::number || *end || errno) throw BadLine("'" + text + "' is no whole number");
    return number;
}

double Json::real() const {
    if (kind != Kind::number) throw BadLine("'" + text + "' is no number");
    return std::strtod(text.c_str(), nullptr);
}

std::map<std::string, Json> Json::object(const std::string &line) { return Reader(line).object(); }

}  // namespace mlmd
