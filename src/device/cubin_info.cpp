#include "device/cubin_info.h"

#include <elf.h>

#include <cstring>
#include <map>
#include <optional>

namespace xinfer::cuda {
namespace {

// Entry formats and attributes of .nv.info.
constexpr std::uint8_t kSizedValue = 0x04;
constexpr std::uint8_t kFrameSize = 0x11;
constexpr std::uint8_t kRegisterCount = 0x2f;

/// Names of kernels and sections are shorter; many long ones could fill the memory.
constexpr std::size_t kLongestName = 4096;

Status damaged(const char* what) { return invalid_argument("damaged cubin: {}", what); }

class ElfReader {
 public:
  explicit ElfReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Status open() {
    const std::optional<Elf64_Ehdr> header = read<Elf64_Ehdr>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return damaged("no ELF");
    for (unsigned i = 0; i < header->e_shnum; ++i) {
      const auto section = read<Elf64_Shdr>(header->e_shoff + std::size_t{i} * sizeof(Elf64_Shdr));
      if (!section || !holds(*section)) return damaged("section table");
      sections_.push_back(*section);
    }
    if (header->e_shstrndx >= sections_.size()) return damaged("section names");
    names_ = sections_[header->e_shstrndx];
    return Status();
  }

  const std::vector<Elf64_Shdr>& sections() const { return sections_; }
  Result<std::string> name(const Elf64_Shdr& section) const {
    return text(names_.sh_offset + section.sh_name);
  }
  Result<std::string> text(std::size_t offset) const {
    std::string result;
    while (offset < bytes_.size() && bytes_[offset] != std::byte{0}) {
      if (result.size() == kLongestName) return damaged("a name without end");
      result.push_back(static_cast<char>(bytes_[offset++]));
    }
    return result;
  }
  template <typename T>
  std::optional<T> read(std::size_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }

 private:
  /// Whether the section's bytes, if it has any in the file, lie within it.
  bool holds(const Elf64_Shdr& section) const {
    if (section.sh_type == SHT_NOBITS) return true;
    return section.sh_offset <= bytes_.size() &&
           section.sh_size <= bytes_.size() - section.sh_offset;
  }

  std::span<const std::byte> bytes_;
  std::vector<Elf64_Shdr> sections_;
  Elf64_Shdr names_ = {};
};

/// Where the symbols' names begin.
std::vector<std::size_t> symbol_names(const ElfReader& elf) {
  std::vector<std::size_t> result;
  for (const Elf64_Shdr& table : elf.sections()) {
    if (table.sh_type != SHT_SYMTAB || table.sh_link >= elf.sections().size()) continue;
    const Elf64_Shdr& strings = elf.sections()[table.sh_link];
    for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = elf.read<Elf64_Sym>(table.sh_offset + at);
      result.push_back(symbol ? strings.sh_offset + symbol->st_name : 0);
    }
  }
  return result;
}

using ResourceMap = std::map<std::string, KernelResources>;

Status read_info(const ElfReader& elf, const Elf64_Shdr& info,
                 const std::vector<std::size_t>& symbols, ResourceMap& kernels) {
  std::size_t at = info.sh_offset;
  const std::size_t end = info.sh_offset + info.sh_size;
  while (at + 4 <= end) {
    const auto format = elf.read<std::uint8_t>(at);
    const auto attribute = elf.read<std::uint8_t>(at + 1);
    const auto size = elf.read<std::uint16_t>(at + 2);
    if (!size) return damaged(".nv.info");
    at += 4;
    if (*format != kSizedValue) continue;
    if (*attribute == kFrameSize || *attribute == kRegisterCount) {
      const auto symbol = elf.read<std::uint32_t>(at);
      const auto value = elf.read<std::uint32_t>(at + 4);
      if (!symbol || !value || *symbol >= symbols.size()) return damaged(".nv.info");
      XINFER_ASSIGN_OR_RETURN(const std::string name, elf.text(symbols[*symbol]));
      KernelResources& kernel = kernels[name];
      (*attribute == kFrameSize ? kernel.local_bytes : kernel.registers) = static_cast<int>(*value);
    }
    at += *size;
  }
  return Status();
}

}  // namespace

Result<std::vector<KernelResources>> cubin_resources(std::span<const std::byte> cubin) {
  ElfReader elf(cubin);
  XINFER_RETURN_IF_ERROR(elf.open());
  const std::vector<std::size_t> symbols = symbol_names(elf);
  ResourceMap kernels;
  for (const Elf64_Shdr& section : elf.sections()) {
    XINFER_ASSIGN_OR_RETURN(const std::string name, elf.name(section));
    if (name == ".nv.info") {
      XINFER_RETURN_IF_ERROR(read_info(elf, section, symbols, kernels));
    }
  }
  const std::string shared_prefix = ".nv.shared.";
  for (const Elf64_Shdr& section : elf.sections()) {
    XINFER_ASSIGN_OR_RETURN(const std::string name, elf.name(section));
    if (name.rfind(shared_prefix, 0) != 0) continue;
    const auto kernel = kernels.find(name.substr(shared_prefix.size()));
    if (kernel != kernels.end()) kernel->second.shared_bytes = static_cast<int>(section.sh_size);
  }
  if (kernels.empty()) return damaged("no kernel in .nv.info");
  std::vector<KernelResources> result;
  for (auto& [entry, resources] : kernels) {
    resources.entry = entry;
    result.push_back(resources);
  }
  return result;
}

}  // namespace xinfer::cuda
