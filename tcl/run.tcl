#!/usr/bin/env tclsh
# Runs the tests against real processes.
#
#   tclsh tcl/run.tcl [--build DIR] [--only PATTERN] [--keep] [--jobs N]
#       [FILE ...]
#
# FILE is a name in tcl/tests, with or without .tcl; none: all of them. Each
# file runs in a process of its own, which is ended with all that it started
# when its time is up. N files (1) run at once; then what a file says is printed
# when it has ended. Exit status: 0 if all passed, and at least one ran.

set here [file dirname [file normalize [info script]]]
set root [file dirname $here]
set build $root/build
set only ""
set keep 0
set files {}
set limit_s 600
set jobs 1

for {set i 0} {$i < [llength $argv]} {incr i} {
    set word [lindex $argv $i]
    switch -glob -- $word {
        --build {set build [file normalize [lindex $argv [incr i]]]}
        --only {set only [lindex $argv [incr i]]}
        --limit {set limit_s [lindex $argv [incr i]]}
        --jobs {set jobs [lindex $argv [incr i]]}
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

# Starts a file. Those that run at once draw their ports from ranges of their
# own: a port that one of them has found free is not yet bound.
proc start_file {file slot} {
    global env here work limit_s jobs run
    set name [file rootname [file tail $file]]
    set env(VARD_TEST_DIR) $work/$name
    set env(VARD_TEST_PORTS) [list [expr {20000 + $slot * (12000 / $jobs)}] \
        [expr {12000 / $jobs}]]
    file mkdir $env(VARD_TEST_DIR)
    set fd [open [list | setpriv --pdeathsig TERM timeout --foreground -k 10 $limit_s \
        tclsh $here/support/child.tcl $file 2>@1]]
    set run($slot) [dict create name $name told 0 ran 0 bad 0 lines {}]
    say $slot "--- $name"
    fconfigure $fd -blocking 0
    fileevent $fd readable [list take_lines $fd $slot]
}

# A line of a file that runs: at once, if there is no other.
proc say {slot line} {
    if {$::jobs == 1} {
        puts $line
        flush stdout
    } else {
        dict lappend ::run($slot) lines $line
    }
}

proc take_lines {fd slot} {
    global passed failed run
    while {[gets $fd line] >= 0} {
        if {[regexp {^tally ([0-9]+) ([0-9]+)$} $line -> good bad]} {
            incr passed $good
            incr failed $bad
            dict set run($slot) told 1
            dict set run($slot) ran [expr {$good + $bad}]
            dict set run($slot) bad $bad
        } else {
            say $slot $line
        }
    }
    if {[eof $fd]} {end_file $fd $slot}
}

# The file has ended; what comes next may have its slot.
proc end_file {fd slot} {
    global env failed run work keep
    set name [dict get $run($slot) name]
    set before $failed
    fconfigure $fd -blocking 1
    catch {close $fd} message
    end_left_over $work/$name
    if {![dict get $run($slot) told]} {
        say $slot "\[err\] $name did not come to its end: $message"
        incr failed
    } elseif {[dict get $run($slot) ran] == 0 && $env(VARD_ONLY) eq ""} {
        say $slot "\[err\] $name has no test"
        incr failed
    }
    # All files together would take some 20 GB.
    if {$failed == $before && [dict get $run($slot) bad] == 0 && !$keep} {
        catch {file delete -force $work/$name}
    }
    foreach line [dict get $run($slot) lines] {puts $line}
    flush stdout
    unset run($slot)
    set ::ended $slot
}

proc run_files {} {
    global files jobs run
    foreach file $files {
        for {set slot 0} {[info exists run($slot)]} {incr slot} {}
        start_file $file $slot
        if {[array size run] == $jobs} {vwait ::ended}
    }
    while {[array size run] > 0} {vwait ::ended}
}

array set run {}
set start [clock seconds]
run_files
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
