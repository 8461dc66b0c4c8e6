# A cluster whose nodes reach each other only through tests/chaos/link, and
# clients that record what they see (tests/chaos/recorder). A round is one
# fault, its end, and the return of service; a history is some rounds, judged
# together.
#
#   chaos_cluster 3 {} {
#       history_begin
#       test "..." {chaos_round isolate-leader 3000}
#       test "linearizable" {history_end}
#   }

namespace eval chaos {
    variable link ""
    variable port
    variable recorder ""
    variable history ""
    variable histories 0
    variable state 1
    variable results ""
    # Ms of service that must have returned after the faults: three times the
    # longest election timeout, which is twice the option.
    variable service_ms 6000
}

# --- chance --------------------------------------------------------------

# A generator of our own: the schedule follows from the seed alone.
proc chaos::seed {n} {
    variable state
    set state [expr {($n * 2862933555777941757 + 3037000493) & 0xffffffffffffffff}]
    draw 2
}

proc chaos::draw {bound} {
    variable state
    set state [expr {($state * 6364136223846793005 + 1442695040888963407)
        & 0xffffffffffffffff}]
    return [expr {($state >> 33) % $bound}]
}

proc chaos::pick {list} {
    return [lindex $list [draw [llength $list]]]
}

proc chaos::shuffle {list} {
    set out {}
    while {$list ne ""} {
        set i [draw [llength $list]]
        lappend out [lindex $list $i]
        set list [lreplace $list $i $i]
    }
    return $out
}

# --- the link ------------------------------------------------------------

proc chaos::link_start {} {
    variable link
    variable port
    set nodes [lmap id $cluster::ids {set _ $id:$::nodes($id,peer)}]
    set link [open [list | setpriv --pdeathsig KILL $::build/tests/link \
        {*}$nodes 2> $::env(VARD_TEST_DIR)/link.err] r+]
    fconfigure $link -buffering line
    while {[gets $link line] >= 0 && $line ne "ready"} {
        lassign $line - from to number
        set port($from,$to) $number
    }
}

# link set 1 2 stall 1: see tests/chaos/link.c.
proc link {args} {
    if {[catch {puts $chaos::link $args}] ||
            [gets $chaos::link answer] < 0} {
        error "the link has ended: [read_file $::env(VARD_TEST_DIR)/link.err]"
    }
    if {[lindex $answer 0] ne "ok"} {error "link $args: $answer"}
    return $answer
}

proc chaos::link_end {} {
    variable link
    if {$link ne ""} {catch {close $link}}
    set link ""
}

# Each node is told its own address as it is, and those of the others as the
# ports of the link that lead there.
rename node_config plain_node_config
proc node_config {id} {
    if {$chaos::link eq ""} chaos::link_start
    foreach other $cluster::ids {
        set own($other) $::nodes($other,peer)
        if {$other != $id} {
            set ::nodes($other,peer) $chaos::port($id,$other)
        }
    }
    set text [plain_node_config $id]
    foreach other $cluster::ids {set ::nodes($other,peer) $own($other)}
    return $text
}

proc chaos_cluster {count options code} {
    set options [dict merge {cluster-id chaos peer-secret storm
        request-timeout 1500} $options]
    uplevel 1 [list start_cluster $count $options $code]
    chaos::link_end
}

# --- clocks that jump ----------------------------------------------------

# From now on nodes are started with clocks that chaos::set_clock and
# chaos::advance move (tests/chaos/clocks.c). False: a sanitizer was there first.
proc chaos::with_clocks {} {
    if {$::sanitized} {return 0}
    set wrapper $::env(VARD_TEST_DIR)/vard
    write_file $wrapper "#!/bin/sh
file=\$1.clocks
\[ -e \$file ] || printf '%016d' 0 | tr 0 '\\000' >\$file
exec env VARD_CLOCKS=\$file LD_PRELOAD=$::build/tests/libclocks.so \
    $::vard \"\$@\"
"
    file attributes $wrapper -permissions 0755
    set ::vard $wrapper
    return 1
}

# At `at`, a number of 8 bytes, which is there at once.
proc chaos::put_clock {id at ms} {
    set fd [open $::nodes($id,conf).clocks r+]
    fconfigure $fd -translation binary
    seek $fd $at
    puts -nonewline $fd [binary format w $ms]
    close $fd
}

# What the wall clock of a node shows more.
proc chaos::set_clock {id seconds} {
    put_clock $id 0 [expr {$seconds * 1000}]
}

# What the monotonic one, CLOCK_BOOTTIME, does; it must not fall.
proc chaos::advance {id ms} {
    put_clock $id 8 $ms
}

# --- the recorder --------------------------------------------------------

proc history_begin {args} {
    set chaos::history \
        $::env(VARD_TEST_DIR)/history[incr chaos::histories].txt
    set ports [join [lmap id $cluster::ids {set _ $::nodes($id,port)}] ,]
    set chaos::recorder [open [list | setpriv --pdeathsig KILL \
        $::build/tests/recorder --ports $ports --history $chaos::history \
        --prefix h$chaos::histories {*}$args 2> $chaos::history.err] r+]
    fconfigure $chaos::recorder -buffering line
    gets $chaos::recorder line
    assert_equal ready $line
    wait_service
}

# {longest gap in ms, successes} since the last mark.
proc chaos::mark {} {
    variable recorder
    puts $recorder mark
    if {[gets $recorder line] < 0} {error "the recorder has ended"}
    return [list [dict get $line gap-ms] [dict get $line ok]]
}

# Waits for a success; returns the longest gap and how long it took.
proc wait_service {} {
    set start [clock milliseconds]
    set gap 0
    wait_for_condition 30000 {[lindex [set seen [chaos::mark]] 1] > 0} {
        error "no service; logs end:\n[join [lmap i $cluster::ids {
            log_tail $i 5}] \n--\n]"
    }
    return [list [lindex $seen 0] [expr {[clock milliseconds] - $start}]]
}

# A line for the table of a campaign (table.tcl).
proc chaos::result {args} {
    if {![info exists ::env(CHAOS_RESULTS)]} return
    set fd [open $::env(CHAOS_RESULTS) a]
    puts $fd $args
    close $fd
}

# Ends the clients; returns what they counted.
proc history_counts {} {
    puts $chaos::recorder end
    if {[gets $chaos::recorder counts] < 0} {
        error "the recorder ended without a word"
    }
    catch {close $chaos::recorder}
    set chaos::recorder ""
    return $counts
}

# lincheck's verdict: linearizable, NOT linearizable, undecided.
proc history_verdict {} {
    lassign [run_program $::build/tests/lincheck $chaos::history] status output
    set chaos::explanation $output
    return [lindex [split $output \n] end]
}

# Everything a history must satisfy; what must have happened at least once.
proc history_end {{wanted {ok again expired}}} {
    set counts [history_counts]
    wait_for_same_state
    set verdict [history_verdict]
    chaos::result history [llength $cluster::ids] [dict get $counts ok] \
        [dict get $counts fail] [dict get $counts unknown] \
        [dict get $counts retries] [dict get $counts expired] $verdict
    note "$counts"
    foreach name {odd wrong early late risen unread} {
        assert_equal 0 [dict get $counts $name] \
            "$name: $counts\n[read_file $chaos::history.err]"
    }
    foreach name $wanted {
        assert {[dict get $counts $name] > 0} "$name: nothing was tested"
    }
    if {$verdict ne "linearizable"} {
        file copy -force $chaos::history $chaos::history.bad
        error "$verdict: $chaos::history.bad\n$chaos::explanation"
    }
    file delete $chaos::history
}

# --- rounds --------------------------------------------------------------

# Ends all faults: paths, pauses, deaths, clocks.
proc heal {} {
    link clear
    set started {}
    foreach id $cluster::ids {
        signal_process $::nodes($id,pid) CONT
        if {![node_alive $id]} {
            restart_node $id 0
            lappend started $id
        }
    }
    foreach id $started {wait_node_up $id}
}

# One fault for so many ms, then its end. Service must be back in time, and
# all nodes must agree on a leader. A+B: both at once.
proc chaos_round {kind hold_ms} {
    chaos::mark
    set kinds [split $kind +]
    foreach background [lrange $kinds 0 end-1] {fault::$background 0}
    fault::[lindex $kinds end] $hold_ms
    lassign [chaos::mark] gap ok
    heal
    lassign [wait_service] last_gap back
    wait_for_condition 30000 {[leader_agreed $cluster::ids]} {
        error "no agreement on a leader after $kind"
    }
    pause 200
    set gap [expr {max($gap, $last_gap)}]
    chaos::result round $kind [llength $cluster::ids] $gap $back $ok
    note "longest time without a success $gap ms; back\
        $back ms after the fault; $ok operations during it"
    assert {$back <= $chaos::service_ms}
}
