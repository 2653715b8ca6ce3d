package main

import _ "embed"

// containers are KWOK's stages for the commands that the suite's containers run.
//
//go:embed containers.yaml
var containers string
