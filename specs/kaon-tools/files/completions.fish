tdnf generate fish | source
