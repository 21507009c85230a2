# What makes services of the programs: units, users, directories, and the configuration in /etc. The files are in the tree as they
# are for /usr; for another prefix the paths of programs and configuration are changed.
set(FLOWSPEC_UNIT_DIR "${CMAKE_INSTALL_PREFIX}/lib/systemd/system" CACHE PATH "Where systemd's units go")

set(made "${PROJECT_BINARY_DIR}/installed")

# Copies a file to `made` with pairs of text replaced. A text that is not there is an error: the file has changed.
function(flowspec_made source name)
  file(READ "${PROJECT_SOURCE_DIR}/${source}" text)
  set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${source}")
  while(ARGN)
    list(POP_FRONT ARGN from to)
    string(FIND "${text}" "${from}" at)
    if(at EQUAL -1)
      message(FATAL_ERROR "${source} does not have: ${from}")
    endif()
    string(REPLACE "${from}" "${to}" text "${text}")
  endwhile()
  file(CONFIGURE OUTPUT "${made}/${name}" CONTENT "${text}" @ONLY)
endfunction()

set(bin "${CMAKE_INSTALL_FULL_SBINDIR}")
set(etc "${CMAKE_INSTALL_FULL_SYSCONFDIR}")
set(libexec "${CMAKE_INSTALL_FULL_LIBEXECDIR}")
foreach(unit flowspec-injector flowspec-injector-sync flowspec-fetcher)
  flowspec_made(packaging/systemd/${unit}.service ${unit}.service "/usr/sbin/" "${bin}/")
endforeach()
flowspec_made(packaging/systemd/flowspec-fetcher-rules.service flowspec-fetcher-rules.service "/usr/libexec/" "${libexec}/")
flowspec_made(packaging/systemd/flowspec-fetcher.path flowspec-fetcher.path "/etc/flowspec/" "${etc}/flowspec/")
flowspec_made(packaging/systemd/read-rules read-rules "/etc/flowspec/" "${etc}/flowspec/"
              "\ndirectory=" "\nPATH=${bin}:$PATH\ndirectory=")
install(FILES ${made}/flowspec-injector.service ${made}/flowspec-injector-sync.service packaging/systemd/flowspec-injector.timer
              ${made}/flowspec-fetcher.service ${made}/flowspec-fetcher-rules.service packaging/systemd/flowspec-fetcher.timer
              ${made}/flowspec-fetcher.path
        DESTINATION ${FLOWSPEC_UNIT_DIR})
install(PROGRAMS ${made}/read-rules DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/flowspec-fetcher)
install(DIRECTORY packaging/systemd/sysusers.d packaging/systemd/tmpfiles.d DESTINATION lib)

# The examples, with the service's place for what BIRD includes, and the schema's place.
flowspec_made(examples/injector.toml injector.toml)
flowspec_made(examples/fetcher.toml fetcher.toml
              "output = \"/etc/bird/flowspec.conf\"" "output = \"/var/lib/flowspec-fetcher/flowspec.conf\""
              "validate = false" "validate = true" "reload = false" "reload = true"
              "But for the output,\n# these are the defaults." "But for output,\n# validate and reload these are the defaults.")
flowspec_made(examples/policy.json policy.json "../packaging/policy.schema.json" "${CMAKE_INSTALL_FULL_DATADIR}/flowspec/policy.schema.json")

# What an operator may have edited is not replaced; packages know how to do that.
function(flowspec_install_once file directory)
  install(CODE "
    set(there \"\$ENV{DESTDIR}${directory}\")
    get_filename_component(name \"${file}\" NAME)
    if(EXISTS \"\${there}/\${name}\")
      message(STATUS \"Kept: \${there}/\${name}\")
    else()
      file(INSTALL DESTINATION \"${directory}\" TYPE FILE FILES \"${file}\")
    endif()")
endfunction()
foreach(name injector.toml fetcher.toml policy.json)
  flowspec_install_once("${made}/${name}" "${etc}/flowspec")
endforeach()
flowspec_install_once("${PROJECT_SOURCE_DIR}/packaging/cron/flowspec-injector" "${etc}/cron.d")
