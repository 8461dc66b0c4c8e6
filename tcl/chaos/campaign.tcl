# Random schedules: CHAOS_NODES nodes for about CHAOS_SECONDS, drawn from
# CHAOS_SEED; with CHAOS_CLOCKS=1 the nodes' wall clocks jump as well. Run by
# tests/chaos/run.sh --campaign.
source [file dirname [info script]]/chaos.tcl
source [file dirname [info script]]/faults.tcl

# What lasts by itself while another fault is at work.
set background {isolate-follower bridge one-way delay slow pieces steps
    leader-deaf leader-mute}

# One of all faults of this cluster, or two at once.
proc draw_fault {nodes clocks} {
    if {$clocks && [chaos::draw 3] == 0} {return [chaos::pick $fault::clocks]}
    if {[chaos::draw 5] == 0} {
        return [chaos::pick $::background]+[chaos::pick $fault::processes]
    }
    set kinds [concat $fault::network $fault::processes]
    if {$nodes == 5} {lappend kinds {*}$fault::five}
    return [chaos::pick $kinds]
}

proc campaign {nodes seconds clocks} {
    set end [expr {[clock seconds] + $seconds}]
    while {[clock seconds] < $end} {
        history_begin --clients [expr {4 * $nodes}]
        for {set round 0} {$round < 6} {incr round} {
            set kind [draw_fault $nodes $clocks]
            set hold_ms [expr {300 + [chaos::draw 3500]}]
            test "$kind, $hold_ms ms" {chaos_round $kind $hold_ms}
        }
        test "history $chaos::histories" history_end
    }
}

set seed $env(CHAOS_SEED)
set count $env(CHAOS_NODES)
set clocks $env(CHAOS_CLOCKS)
if {$clocks && ![chaos::with_clocks]} {
    note "a sanitizer: clocks do not jump"
    set clocks 0
}
note "seed $seed, $count nodes[expr {$clocks ? {, jumping clocks} : {}}]"
chaos::seed $seed
chaos_cluster $count {} {
    link seed $seed
    campaign $count $env(CHAOS_SECONDS) $clocks
}
