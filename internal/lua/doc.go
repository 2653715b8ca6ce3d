// Package lua runs the small scripts with which operators judge and change objects (argocd-cm's health checks and resource
// actions), bounded in instructions, time and memory.
//
// A script sees the tables that it is given and the libraries string, table, math, and of os only time, date, clock and
// difftime. It never reaches files, programs, the environment, the network or other code, also not where Argo CD's
// useOpenLibs asks for all libraries: what is asked for there in practice is string, which every script has here.
//
// Values go in and come out as decoded JSON. Start with Compile.
package lua
