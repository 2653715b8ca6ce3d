package main

// version is what /version answers. Change it, commit, tag release-v<version>, push: the rest is Fairlead's.
const version = "1.0.0"
