#!/usr/bin/env tclsh
# Runs the tests against real processes.
#
#   tclsh tcl/run.tcl [--build DIR] [--only PATTERN] [--keep] [FILE ...]
#
# FILE is a name in tcl/tests, with or without .tcl; none: all of them. Each
# file runs in a process of its own, which is ended with all that it started
# when its time is up. Exit status: 0 if all passed, and at least one ran.

set here [file dirname [file normalize [info script]]]
set root [file dirname $here]
set build $root/build
set only ""
set keep 0
set files {}
set limit_s 600

for {set i 0} {$i < [llength $argv]} {incr i} {
    set word [lindex $argv $i]
    switch -glob -- $word {
        --build {set build [file normalize [lindex $argv [incr i]]]}
        --only {set only [lindex $argv [incr i]]}
        --limit {set limit_s [lindex $argv [incr i]]}
        --keep {set keep 1}
        -* {
            puts stderr "run.tcl: unknown option $word"
            exit 2
        }
        default {lappend files $word}
    }
}
if {$files eq ""} {
    set files [lsort [glob $here/tests/*.tcl]]
} else {
    set files [lmap f $files {
        if {[file exists $f]} {file normalize $f} else {
            file normalize $here/tests/[file rootname $f].tcl
        }
    }]
}
foreach program {vard vardctl tests/loadgen tests/hiredis_client} {
    if {![file executable $build/$program]} {
        puts stderr "run.tcl: no $build/$program; build first"
        exit 2
    }
}

set base [expr {[info exists env(TMPDIR)] ? $env(TMPDIR) : "/tmp"}]
set work [exec mktemp -d $base/vard-tcl.XXXXXX]
set env(VARD_BUILD) $build
set env(VARD_ONLY) $only
set passed 0
set failed 0

# Ends what a child has left behind: only processes that still run in our
# directory, so that a pid used again by somebody else is never hit.
proc end_left_over {directory} {
    if {![file exists $directory/pids]} return
    set fd [open $directory/pids]
    set pids [read $fd]
    close $fd
    foreach pid $pids {
        if {[catch {
            set fd [open /proc/$pid/cmdline]
            fconfigure $fd -translation binary
            set line [read $fd]
            close $fd
        }]} continue
        if {[string first $directory $line] >= 0} {
            catch {exec kill -KILL $pid}
        }
    }
}

proc run_file {file} {
    global env here work passed failed limit_s
    set name [file rootname [file tail $file]]
    puts "--- $name"
    set env(VARD_TEST_DIR) $work/$name
    file mkdir $env(VARD_TEST_DIR)
    set fd [open [list | setpriv --pdeathsig TERM timeout --foreground -k 10 $limit_s \
        tclsh $here/support/child.tcl $file 2>@1]]
    set ::child_directory $env(VARD_TEST_DIR)
    set told 0
    set ran 0
    while {[gets $fd line] >= 0} {
        if {[regexp {^tally ([0-9]+) ([0-9]+)$} $line -> good bad]} {
            incr passed $good
            incr failed $bad
            set told 1
            set ran [expr {$good + $bad}]
        } else {
            puts $line
            flush stdout
        }
    }
    catch {close $fd} message
    end_left_over $env(VARD_TEST_DIR)
    if {!$told} {
        puts "\[err\] $name did not come to its end: $message"
        incr failed
    } elseif {$ran == 0 && $env(VARD_ONLY) eq ""} {
        puts "\[err\] $name has no test"
        incr failed
    }
}

set start [clock seconds]
foreach file $files {
    run_file $file
}
if {$passed + $failed == 0} {
    puts "\[err\] no test is called $only"
    incr failed
}
if {$failed == 0 && !$keep} {
    file delete -force $work
} else {
    puts "data and logs are in $work"
}
puts "tcl took [expr {[clock seconds] - $start}] s"
puts "tcl: $passed passed, $failed failed"
exit [expr {$failed > 0}]
