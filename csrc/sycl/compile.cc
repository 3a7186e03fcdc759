// Compiles SYCL source to SPIR-V: compile OUT NAME=FILE... -- OPTION... ; the first file is the source, the others are what it includes.
#include <fstream>
#include <iostream>
#include <sstream>
#include <sycl/sycl.hpp>
namespace exp_ = sycl::ext::oneapi::experimental;
static std::string slurp(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path);
    std::stringstream all; all << in.rdbuf(); return all.str();
}
int main(int argc, char **argv) try {
    std::string source, log; exp_::include_files headers; std::vector<std::string> options;
    bool after = false;
    for (int k = 2; k < argc; ++k) {
        std::string word = argv[k];
        if (word == "--") { after = true; continue; }
        if (after) { options.push_back(word); continue; }
        const auto cut = word.find('=');
        if (source.empty()) source = slurp(word.substr(cut + 1)); else headers.add(word.substr(0, cut), slurp(word.substr(cut + 1)));
    }
    sycl::queue q;
    auto bundle = exp_::create_kernel_bundle_from_source(q.get_context(), exp_::source_language::sycl, source, exp_::properties{headers});
    auto built = exp_::build(bundle, exp_::properties{exp_::build_options{options}, exp_::save_log{&log}});
    for (const auto &image : built) {
        const auto content = image.ext_oneapi_get_backend_content();
        std::ofstream(argv[1], std::ios::binary).write(reinterpret_cast<const char *>(content.data()), content.size());
    }
    std::cerr << log;
} catch (const std::exception &e) { std::cerr << e.what() << '\n'; return 1; }
