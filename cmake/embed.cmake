# Writes OUTPUT, a C++ file that defines NAME: the FILES with their names (base/embedded_file.h). hinomi_embed runs it
# at build time, with these three set.
set(arrays "")
set(entries "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND arrays "const char ${identifier}[] = {${bytes}};\n")
  string(APPEND entries "    {\"${name}\", {${identifier}, sizeof ${identifier}}},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"base/embedded_file.h\"

namespace hinomi {
namespace {

${arrays}
const EmbeddedFile kFiles[] = {
${entries}};

}  // namespace

extern const std::span<const EmbeddedFile> ${NAME};
const std::span<const EmbeddedFile> ${NAME} = kFiles;

}  // namespace hinomi
")
