# The shell asks tdnf itself what can follow, when the first word after it is completed: 124 means "look again" (bash(1)).
if [ -n "${BASH_VERSION-}" ]; then
    _tdnf_load() {
        eval "$(tdnf generate bash)" && return 124
    }
    complete -F _tdnf_load tdnf
fi
