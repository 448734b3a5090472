eval "$(tdnf generate bash)"
