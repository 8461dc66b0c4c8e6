# All nodes crash; and what a node says to damage on its disk.

# The write-ahead logs of a node's database, largest first.
proc wal_files {id} {
    set found {}
    foreach path [exec find $::nodes($id,dir) -name *.log -type f] {
        lappend found [list [file size $path] $path]
    }
    return [lmap f [lsort -integer -decreasing -index 0 $found] {
        lindex $f 1
    }]
}

# Turns one bit of a file.
proc flip_bit {path offset} {
    set fd [open $path r+]
    fconfigure $fd -translation binary
    seek $fd $offset
    binary scan [read $fd 1] cu byte
    seek $fd $offset
    puts -nonewline $fd [binary format c [expr {$byte ^ 0x10}]]
    close $fd
}

# Cuts bytes off the end of the log.
proc cut_wal {id bytes} {
    set wal [lindex [wal_files $id] 0]
    set fd [open $wal r+]
    chan truncate $fd [expr {[file size $wal] - $bytes}]
    close $fd
}

# Adds the beginning of a record to the log, as a crash within a write leaves
# it: the header of 7 bytes tells of 100 more, and there are 10.
proc tear_wal {id} {
    set wal [lindex [wal_files $id] 0]
    set fd [open $wal a]
    fconfigure $fd -translation binary
    puts -nonewline $fd [binary format isca* 12345 100 1 [string repeat x 10]]
    close $fd
}

# Puts the copy made by the test in the place of the node's directory.
proc restore_directory {id} {
    file delete -force $::nodes($id,dir)
    file rename $::nodes($id,dir).away $::nodes($id,dir)
}

# Starts a node that must refuse; returns its last lines.
proc refuses_to_start {id} {
    set before [file size $::nodes($id,log)]
    forget_client $id
    start_node $id 0
    wait_process_end $::nodes($id,pid) 20000
    return [string range [read_file $::nodes($id,log)] $before end]
}

start_cluster 3 {damaged-data refuse} {
    foreach op {append incr set} {
        test "kill -9 of all three under load, restart ($op)" {
            set report [crash_round $op 30 $op]
            note "[dict get $report acked] acknowledged,\
                [dict get $report unknown] unknown"
        }
    }

    test "the state is the same on all nodes" {
        wait_for_same_state
    }

    test "a flipped bit in the log: refuses, and says which file" {
        set id [lindex [followers] 0]
        kill_node $id
        set wal [lindex [wal_files $id] 0]
        assert {[file size $wal] > 1000}
        flip_bit $wal [expr {[file size $wal] / 2}]
        set said [refuses_to_start $id]
        flip_bit $wal [expr {[file size $wal] / 2}]
        restart_node $id
        wait_for_leader
        assert {![regexp {Ready to accept} $said]}
        assert_match "*damaged*[file tail $wal]*" $said
    }

    test "the log is gone: refuses" {
        set id [lindex [followers] 0]
        R $id SET precious data
        kill_node $id
        # The whole directory comes back afterwards: by then the database
        # may have been opened without its log.
        file copy $nodes($id,dir) $nodes($id,dir).away
        file delete {*}[wal_files $id]
        set said [refuses_to_start $id]
        restore_directory $id
        restart_node $id
        wait_for_leader
        assert {![regexp {Ready to accept} $said]} $said
        assert_match "*cannot start*" $said
        assert_equal data [R $id GET precious]
    }

    test "the log is cut within an entry that was acknowledged: refuses" {
        lassign [followers] id other
        kill_node $other
        # The leader needs this one now: it has synced, and promised.
        R $id SET promised data
        kill_node $id
        file copy $nodes($id,dir) $nodes($id,dir).away
        cut_wal $id 3
        set said [refuses_to_start $id]
        restore_directory $id
        restart_node $id
        restart_node $other
        wait_for_leader
        assert_match "*cannot start*ends at entry*acknowledged entries up\
            to*" $said
        assert_equal data [R $id GET promised]
    }

    test "the log ends in a write that was never whole: repaired" {
        set id [lindex [followers] 0]
        kill_node $id
        tear_wal $id
        restart_node $id
        wait_for_leader
        assert_equal {data data} [R $id MGET precious promised]
        R $id SET after:tear whole
        wait_for_same_state
    }
}

# What a node has open, but for its connections and for the files of its
# database, which come and go; numbers are left out.
proc open_files {id} {
    set found {}
    foreach link [glob /proc/$::nodes($id,pid)/fd/*] {
        if {[catch {file readlink $link} name]} continue
        if {[string match "socket:*" $name]} continue
        if {[string match "*/db*" $name] &&
            ![string match "*/db/LOCK" $name]} continue
        lappend found [regsub -all {[0-9]+} $name ""]
    }
    return [lsort $found]
}

# Starts a node whose data is damaged, which must come back by itself, and only
# then count; all the others' data must be there.
proc refilled {id pattern} {
    set before [file size $::nodes($id,log)]
    start_node $id
    wait_for_condition 30000 {![catch {info_of $id raft_recovering} n] &&
        $n == 0}
    # In a life that it has not had.
    set life [expr {[info_of $id raft_incarnation] >> 32}]
    set dir $::nodes($id,dir)
    assert {$life > 0}
    assert {![info exists ::lives($dir)] || $life > $::lives($dir)}
    set ::lives($dir) $life
    wait_for_same_state
    set said [string range [read_file $::nodes($id,log)] $before end]
    assert_match $pattern $said
    # Each try says what it has found, and not again what one before has.
    foreach line [split $said \n] {
        assert {[regexp -all "Before anything else" $line] <= 1} $line
    }
    assert_match "*takes no part*refilled up to entry*" $said
    assert {![file exists $::nodes($id,dir)/damaged]}
    # The other follower goes: this one's acknowledgement is needed now.
    wait_for_leader
    set other [lindex [lsearch -all -inline -not -exact [followers] $id] 0]
    kill_node $other
    R $id SET after:$id counts
    restart_node $other
    wait_for_leader
    # That one started at the first attempt: no earlier one left anything open.
    wait_for_condition 5000 {[open_files $id] eq [open_files $other]} {
        error "open are [open_files $id]; at the other [open_files $other]"
    }
    assert_equal 1 [llength [lsearch -all [open_files $id] */watermark]]
    foreach n $cluster::ids {
        assert_equal {whole counts data} [R $n MGET before:$id after:$id precious]
    }
}

start_cluster 3 {} {
    R [wait_for_leader] SET precious data
    foreach {what pattern damage} {
        "a flipped bit in its log" "*damaged*" {
            set wal [lindex [wal_files $id] 0]
            flip_bit $wal [expr {[file size $wal] / 2}]
            # A file is where its logs are to go: that is said, and no more.
            write_file $::nodes($id,dir)/db.wal.damaged x
            set said [refuses_to_start $id]
            assert_match "*cannot start: cannot put the logs of */db aside: *" \
                $said
            file delete $::nodes($id,dir)/db.wal.damaged \
                $::nodes($id,dir)/damaged
        }
        "its log is gone" "*promised*" {
            file delete {*}[wal_files $id]
            # The next try cannot be marked: that is what is said then, and
            # not again what the first one has found.
            file mkdir $::nodes($id,dir)/damaged.tmp
            assert_match "*cannot start: cannot write in */node$id: *" \
                [refuses_to_start $id]
            file delete $::nodes($id,dir)/damaged.tmp
        }
        "its watermark is gone" "*watermark*" {
            file delete $::nodes($id,dir)/watermark
        }
        "its watermark is damaged" "*watermark*" {
            write_file $::nodes($id,dir)/watermark [string repeat x 8192]
        }
        "its database is gone" "*no database*" {
            file delete -force $::nodes($id,dir)/db
        }
        "its database has no MANIFEST" "*damaged*" {
            file delete {*}[glob $::nodes($id,dir)/db/MANIFEST-*]
        }
        "a refill was cut off when all was put aside" "*" {
            file delete -force $::nodes($id,dir)/db $::nodes($id,dir)/watermark
            write_file $::nodes($id,dir)/damaged "see the log\n"
        }
        "damage was met while it ran" "*" {
            write_file $::nodes($id,dir)/damaged "see the log\n"
        }
    } {
        test "refilled by the others: $what" {
            set id [lindex [followers] 0]
            R $id SET before:$id whole
            kill_node $id
            file delete -force {*}[glob -nocomplain $::nodes($id,dir)/*.damaged]
            eval $damage
            refilled $id $pattern
            # What is of use stays: of damaged logs, the tables do.
            if {$what eq "a flipped bit in its log"} {
                assert {[file exists $::nodes($id,dir)/db.wal.damaged]}
                assert {![file exists $::nodes($id,dir)/db.damaged]}
            }
        }
    }

    test "two of three damaged: they wait, and nothing is made up" {
        lassign [followers] a b
        set leader [leader_now]
        foreach id [list $a $b] {
            kill_node $id
            file delete -force $::nodes($id,dir)/db
        }
        foreach id [list $a $b] {start_node $id 0}
        wait_node_up $a
        wait_node_up $b
        pause 2500
        foreach id [list $a $b] {
            assert_error "LOADING vard waits to be let in: its data is not\
                whole, 1 of 3 members have data*" {R $id GET precious}
        }
        assert_equal 0 [leader_now]
    }
}

start_server {} {
    test "a single node that is damaged refuses" {
        r SET k v
        kill_node 1
        file delete $::nodes(1,dir)/watermark
        set said [refuses_to_start 1]
        assert_match "*cannot start*watermark*" $said
    }
}

start_server {} {
    test "a watermark of another directory is refused" {
        r SET other log
        set mark $nodes(1,dir)/watermark
        kill_node 1
        file copy $mark $nodes(1,dir).mark
        file delete -force $nodes(1,dir)
        file mkdir $nodes(1,dir)
        restart_node 1
        wait_for_leader
        for {set n 1} {$n <= 100} {incr n} {r SET key$n $n}
        foreach signal {TERM KILL} {
            kill_node 1 $signal
            restart_node 1
            wait_for_leader
        }
        kill_node 1 TERM
        file rename $mark $mark.own
        file rename $nodes(1,dir).mark $mark
        set said [refuses_to_start 1]
        assert_match "*cannot start*put together from two: its database is\
            from directory *" $said
        # With its own it is well.
        file rename -force $mark.own $mark
        restart_node 1
        wait_for_leader
        assert_equal {100 {}} [r MGET key100 other]
    }

    test "a watermark of another copy of the directory is refused" {
        set dir $nodes(1,dir)
        kill_node 1 TERM
        file copy $dir $dir.copy
        restart_node 1
        wait_for_leader
        r SET which first
        kill_node 1 TERM
        # The copy starts as often.
        file rename $dir $dir.first
        file rename $dir.copy $dir
        restart_node 1
        wait_for_leader
        r SET which second
        kill_node 1 TERM
        file rename $dir/watermark $dir.mark
        file copy $dir.first/watermark $dir/watermark
        assert_match "*cannot start*put together from two copies of it*" \
            [refuses_to_start 1]
        file rename -force $dir.mark $dir/watermark
        restart_node 1
        wait_for_leader
        assert_equal second [r GET which]
    }
}

start_server {} {
    test "a single node: kill -9 under load, restart" {
        for {set round 1} {$round <= 3} {incr round} {
            crash_round single$round 20 append
        }
    }

    test "a single node: the data directory survives SIGTERM" {
        r SET k v
        kill_node 1 TERM
        restart_node 1
        wait_for_leader
        assert_equal v [r GET k]
    }
}
