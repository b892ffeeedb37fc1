# Writes OUTPUT, a C++ file defining jit::kernel_sources(), from the FILES (a list of paths relative to
# ROOT, separated by "|"). Run by cmake -P.
string(REPLACE "|" ";" files "${FILES}")
set(entries "")
foreach(file IN LISTS files)
  file(READ "${ROOT}/${file}" text)
  string(APPEND entries "    {\"${file}\", R\"xinfer(${text})xinfer\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"jit/kernel_sources.h\"

namespace xinfer::jit {

std::span<const NamedSource> kernel_sources() {
  static constexpr NamedSource kSources[] = {
${entries}  };
  return kSources;
}

}  // namespace xinfer::jit
")
