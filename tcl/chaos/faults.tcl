# The faults: each a procedure that keeps it up for so many ms. Whatever they
# leave behind, heal (chaos.tcl) ends. Those of `fault::five` need five nodes.

namespace eval fault {
    # Partitions of all shapes.
    variable network {isolate-follower isolate-leader minority-leader bridge
        no-majority leader-deaf leader-mute one-way flapping
        delay slow pieces steps resets late corrupt}
    variable processes {kill-leader kill-follower kill-minority kill-all
        term-leader pause-leader pause-follower pause-majority pauses
        restarts kill-in-partition}
    variable five {ring}
    # Only in a cluster with chaos::with_clocks.
    variable clocks {clock-leader clock-all}
}

# --- words ---------------------------------------------------------------

# No way from the nodes of one list to those of the other. What was sent is
# held back until the end, or the connections are reset: by chance.
proc fault::cut {from to {how ""}} {
    if {$how eq ""} {set how [chaos::pick {stall stall refuse}]}
    foreach a $from {
        foreach b $to {
            if {$a != $b} {link set $a $b $how 1}
        }
    }
}

# Neither way between any two of the lists.
proc fault::split {args} {
    set how [chaos::pick {stall stall refuse}]
    foreach a $args {
        foreach b $args {
            if {$a ne $b} {cut $a $b $how}
        }
    }
}

proc fault::others {id} {
    return [lmap other $cluster::ids {
        if {$other == $id} continue
        set other
    }]
}

proc fault::leader {} {
    set id [leader_now]
    return [expr {$id == 0 ? [chaos::pick $cluster::ids] : $id}]
}

proc fault::follower {} {
    return [chaos::pick [others [leader]]]
}

# The most that may be down.
proc fault::minority {} {
    return [expr {([llength $cluster::ids] - 1) / 2}]
}

# Again and again until the time is over.
proc fault::repeat {hold_ms every_ms code} {
    set end [expr {[clock milliseconds] + $hold_ms}]
    while {[clock milliseconds] < $end} {
        uplevel 1 $code
        pause [expr {$every_ms / 2 + [chaos::draw $every_ms]}]
    }
}

# --- partitions ----------------------------------------------------------

proc fault::isolate-follower {hold} {
    set id [follower]
    split $id [others $id]
    pause $hold
}

proc fault::isolate-leader {hold} {
    set id [leader]
    split $id [others $id]
    pause $hold
}

# The leader and all but one of those it can lose.
proc fault::minority-leader {hold} {
    set id [leader]
    set rest [chaos::shuffle [others $id]]
    set few [expr {[minority] - 1}]
    split [concat $id [lrange $rest 0 $few-1]] [lrange $rest $few end]
    pause $hold
}

# Two halves that only one node sees both of.
proc fault::bridge {hold} {
    set ids [chaos::shuffle $cluster::ids]
    set half [minority]
    split [lrange $ids 1 $half] [lrange $ids $half+1 end]
    pause $hold
}

# Each node sees its two neighbours: majorities, no two the same.
proc fault::ring {hold} {
    set ids [chaos::shuffle $cluster::ids]
    for {set i 0} {$i < 5} {incr i} {
        foreach far {2 3} {
            cut [lindex $ids $i] [lindex $ids [expr {($i + $far) % 5}]] stall
        }
    }
    pause $hold
}

proc fault::no-majority {hold} {
    split {*}$cluster::ids
    pause $hold
}

proc fault::leader-deaf {hold} {
    set id [leader]
    cut [others $id] $id stall
    pause $hold
}

proc fault::leader-mute {hold} {
    set id [leader]
    cut $id [others $id] stall
    pause $hold
}

proc fault::one-way {hold} {
    set ids [chaos::shuffle $cluster::ids]
    cut [lindex $ids 0] [lindex $ids 1] stall
    cut [lindex $ids 1] [lindex $ids 2] stall
    pause $hold
}

# Another partition every few hundred ms, one-way ones among them.
proc fault::flapping {hold} {
    repeat $hold 300 {
        link clear
        set ids [chaos::shuffle $cluster::ids]
        set few [expr {1 + [chaos::draw [minority]]}]
        cut [lrange $ids 0 $few-1] [lrange $ids $few end]
        if {[chaos::draw 2]} {
            cut [lrange $ids $few end] [lrange $ids 0 $few-1]
        }
    }
}

# --- bad lines -----------------------------------------------------------

proc fault::delay {hold} {
    link set 0 0 delay [chaos::pick {5 30 100}]
    link set 0 0 jitter [chaos::pick {10 50 200}]
    pause $hold
}

# So many bytes a second; the leader's lines are full all the time.
proc fault::slow {hold} {
    link set 0 0 rate [chaos::pick {20000 60000}]
    pause $hold
}

proc fault::pieces {hold} {
    link set 0 0 pieces [chaos::pick {1 7 40}]
    pause $hold
}

# What was sent within a step arrives together.
proc fault::steps {hold} {
    link set 0 0 step [chaos::pick {20 80}]
    pause $hold
}

proc fault::resets {hold} {
    repeat $hold 60 {
        lassign [chaos::shuffle $cluster::ids] a b
        link reset $a $b
    }
}

# Connections die while what they carried is still on its way, and arrives
# when the next one stands already.
proc fault::late {hold} {
    link set 0 0 delay 40
    link set 0 0 jitter 160
    repeat $hold 150 {
        lassign [chaos::shuffle $cluster::ids] a b
        link orphan $a $b
    }
}

proc fault::corrupt {hold} {
    repeat $hold [chaos::pick {60 200}] {
        lassign [chaos::shuffle $cluster::ids] a b
        link corrupt $a $b 1
    }
    link corrupt 0 0 0
}

# --- processes -----------------------------------------------------------

proc fault::kill-leader {hold} {
    kill_node [leader]
    pause $hold
}

proc fault::kill-follower {hold} {
    kill_node [follower]
    pause $hold
}

# With the leader, as many as may be down.
proc fault::kill-minority {hold} {
    set id [leader]
    set few [expr {[minority] - 1}]
    foreach victim [concat $id \
            [lrange [chaos::shuffle [others $id]] 0 $few-1]] {
        kill_node $victim
    }
    pause $hold
}

proc fault::kill-all {hold} {
    foreach id $cluster::ids {
        forget_client $id
        signal_process $::nodes($id,pid) KILL
    }
    foreach id $cluster::ids {wait_process_end $::nodes($id,pid) 10000}
}

proc fault::term-leader {hold} {
    kill_node [leader] TERM
    pause $hold
}

proc fault::stop {id} {
    forget_client $id
    signal_process $::nodes($id,pid) STOP
}

proc fault::pause-leader {hold} {
    stop [leader]
    pause $hold
}

proc fault::pause-follower {hold} {
    stop [follower]
    pause $hold
}

proc fault::pause-majority {hold} {
    set few [expr {[minority] + 1}]
    foreach id [lrange [chaos::shuffle $cluster::ids] 0 $few-1] {stop $id}
    pause $hold
}

# Short ones, of one node after the other.
proc fault::pauses {hold} {
    repeat $hold 100 {
        set id [chaos::pick $cluster::ids]
        stop $id
        pause [chaos::pick {20 150 600 1500}]
        signal_process $::nodes($id,pid) CONT
    }
}

# One node after the other is killed and started again at once.
proc fault::restarts {hold} {
    repeat $hold 250 {
        set id [chaos::pick $cluster::ids]
        kill_node $id
        restart_node $id 0
    }
}

# The leader is alone when another node dies, and comes back while that one
# is still away.
proc fault::kill-in-partition {hold} {
    set id [leader]
    split $id [others $id]
    pause [expr {$hold / 2}]
    kill_node [chaos::pick [others $id]]
    link clear
    pause [expr {$hold / 2}]
}

# --- clocks --------------------------------------------------------------

proc fault::clock-leader {hold} {
    set id [leader]
    repeat $hold 300 {
        chaos::set_clock $id [chaos::pick {-86400 -3600 -2 0 2 3600 86400}]
    }
}

proc fault::clock-all {hold} {
    repeat $hold 150 {
        chaos::set_clock [chaos::pick $cluster::ids] \
            [chaos::pick {-86400 -3600 -2 0 2 3600 86400}]
    }
}
