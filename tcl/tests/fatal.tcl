# A running node whose disk fails it ends at once, with a status that says so;
# what was damage is remembered for the next start, what was not is not.

# Starts the node; its exit status is asked for by end_of.
proc start_watched {id} {
    forget_client $id
    write_file $::nodes($id,conf) [node_config $id]
    set ::watched($id) [open |[list setpriv --pdeathsig KILL $::vard \
        $::nodes($id,conf) >>& $::nodes($id,log)] w]
    set ::nodes($id,pid) [pid $::watched($id)]
    lappend cluster::pids $::nodes($id,pid)
    wait_node_up $id
}

# Waits until a node has ended by itself: its exit status, or its signal.
proc end_of {id} {
    forget_client $id
    wait_process_end $::nodes($id,pid) 20000
    if {![catch {close $::watched($id)} message options]} {return 0}
    return [lindex [dict get $options -errorcode] 2]
}

proc tables {id} {
    return [glob -nocomplain $::nodes($id,dir)/db/*.sst]
}

# Flips a bit in each block of a table.
proc damage_table {path} {
    set fd [open $path r+]
    fconfigure $fd -translation binary
    seek $fd 0 end
    set size [tell $fd]
    for {set at 10} {$at < $size} {incr at 1000} {
        seek $fd $at
        binary scan [read $fd 1] cu byte
        seek $fd $at
        puts -nonewline $fd [binary format c [expr {$byte ^ 0x10}]]
    }
    close $fd
}

# Damages all tables, until the node cannot read: one may be gone by then, or
# come from a merge that had read before.
proc meet_damage {id} {
    set done {}
    for {set try 0} {$try < 20} {incr try} {
        foreach t [tables $id] {
            if {$t in $done || [catch {damage_table $t}]} continue
            lappend done $t
        }
        if {![read_all $id]} return
    }
    error "it reads what is damaged: $done"
}

# Five times what the node keeps in memory, until there are tables.
proc fill {id} {
    set fd [open /dev/urandom rb]
    for {set n 1} {$n <= 100} {incr n} {R $id SET key$n [read $fd 50000]}
    close $fd
    wait_for_condition 10000 {[llength [lmap t [tables $id] {
        if {[file size $t] < 300000} continue
        set t
    }]] > 0}
}

# Reads all of it; says whether that was possible.
proc read_all {id} {
    for {set n 1} {$n <= 100} {incr n} {
        if {[catch {R $id GET key$n} value]} {return 0}
        assert_equal 50000 [string length $value] key$n
    }
    return 1
}

# Writes until the node is gone.
proc write_all {id} {
    for {set n 1} {$n <= 100} {incr n} {
        if {[catch {R $id SET more$n [string repeat x 50000]}]} return
    }
}

# Puts a row with a right checksum that no node writes into the place of a key.
proc spoil {id key} {
    kill_node $id TERM
    assert_equal {0 {}} [run_program $::build/tests/disk_spoil \
        $::nodes($id,dir)/db $key]
}

proc said_since {id before} {
    return [string range [read_file $::nodes($id,log)] $before end]
}

start_server {state-memory 1mb} {
    test "a single node that meets damage ends, and does not start again" {
        kill_node 1 TERM
        start_watched 1
        wait_for_leader
        fill 1
        set before [file size $nodes(1,log)]
        meet_damage 1
        assert_equal 1 [end_of 1]
        assert_match "*Corruption: *FATAL: exiting at once*" \
            [said_since 1 $before]
        assert {[file exists $nodes(1,dir)/damaged]}
        foreach try {1 2} {
            lassign [run_program timeout -k 5 10 $vard $nodes(1,conf)] \
                status output
            assert_equal 1 $status
            assert_match "*cannot start*damaged while it was in use*backup*" \
                $output
            assert {[file exists $nodes(1,dir)/damaged]}
        }
    }
}

start_server {} {
    test "a single node that meets a row which nobody wrote ends" {
        R 1 SET key value
        spoil 1 key
        start_watched 1
        wait_for_leader
        set before [file size $nodes(1,log)]
        catch {R 1 GET key}
        assert_equal 1 [end_of 1]
        assert_match "*reading the state: corrupt data*FATAL: exiting at once*" \
            [said_since 1 $before]
        assert {[file exists $nodes(1,dir)/damaged]}
        lassign [run_program timeout -k 5 10 $vard $nodes(1,conf)] \
            status output
        assert_equal 1 $status
        assert_match "*cannot start*damaged while it was in use*backup*" $output
    }
}

start_server {state-memory 1mb} {
    test "a write that fails ends the node, and is no damage" {
        kill_node 1 TERM
        start_watched 1
        wait_for_leader
        fill 1
        R 1 SET precious data
        set before [file size $nodes(1,log)]
        exec prlimit --pid $nodes(1,pid) --fsize=300000
        write_all 1
        assert_equal 1 [end_of 1]
        assert_match "*File too large*FATAL: exiting at once*" \
            [said_since 1 $before]
        assert {![file exists $nodes(1,dir)/damaged]}
        restart_node 1
        wait_for_leader
        assert_equal data [R 1 GET precious]
        assert_equal 1 [read_all 1]
    }

    test "so does a table that cannot be opened" {
        kill_node 1 TERM
        start_watched 1
        wait_for_leader
        set before [file size $nodes(1,log)]
        exec prlimit --pid $nodes(1,pid) --nofile=5
        write_all 1
        assert_equal 1 [end_of 1]
        assert_match "*Too many open files*FATAL: exiting at once*" \
            [said_since 1 $before]
        assert {![file exists $nodes(1,dir)/damaged]}
        restart_node 1
        wait_for_leader
        assert_equal data [R 1 GET precious]
        assert_equal 1 [read_all 1]
    }
}

start_cluster 3 {} {
    # Asked for, or met by all in the same entry.
    foreach {how command} {read {GET spoiled} write {APPEND spoiled 2}} {
        test "a node that meets a row which nobody wrote is refilled ($how)" {
            set id [lindex [followers [wait_for_leader]] 0]
            R $id SET spoiled 1
            wait_for_same_state
            spoil $id spoiled
            start_watched $id
            wait_for_leader
            wait_for_condition 10000 {![catch {R $id PING}]}
            set before [file size $nodes($id,log)]
            catch {R $id {*}$command}
            assert_equal 1 [end_of $id]
            assert_match "*corrupt data*FATAL: exiting*" \
                [said_since $id $before]
            assert {[file exists $nodes($id,dir)/damaged]}
            restart_node $id
            wait_for_condition 30000 {![catch {info_of $id raft_recovering} n] &&
                $n == 0}
            wait_for_leader
            wait_for_same_state
            assert {![file exists $nodes($id,dir)/damaged]}
            assert {[file exists $nodes($id,dir)/db.damaged]}
            assert_match "1*" [R $id GET spoiled]
            file delete -force $nodes($id,dir)/db.damaged
        }
    }
}

start_cluster 3 {state-memory 1mb} {
    foreach who {follower leader} {
        test "a $who that meets damage ends, and the others refill it" {
            set id [wait_for_leader]
            if {$who eq "follower"} {set id [lindex [followers] 0]}
            kill_node $id TERM
            start_watched $id
            set leader [wait_for_leader]
            if {$who eq "leader" && $leader != $id} {
                R $leader RAFT TRANSFER $id
                wait_for_condition 10000 {[wait_for_leader] == $id}
            }
            fill $id
            wait_for_same_state
            set before [file size $nodes($id,log)]
            meet_damage $id
            assert_equal 1 [end_of $id]
            assert_match "*Corruption: *FATAL: exiting*" \
                [said_since $id $before]
            assert {[file exists $nodes($id,dir)/damaged]}
            restart_node $id
            wait_for_condition 30000 {![catch {info_of $id raft_recovering} n] &&
                $n == 0}
            wait_for_leader
            wait_for_same_state
            assert {![file exists $nodes($id,dir)/damaged]}
            assert {[file exists $nodes($id,dir)/db.damaged]}
            assert_equal 1 [read_all $id]
            file delete -force $nodes($id,dir)/db.damaged
        }
    }
}
