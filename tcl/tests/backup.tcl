# Backups: taken from a running cluster under load, verified without it.

proc ctl {ids args} {
    return [run_program $::vardctl --cluster [addresses $ids] {*}$args]
}

# The value of a field in what backup and verify print.
proc told {output pattern} {
    assert {[regexp $pattern $output -> value]} $output
    return $value
}

start_cluster 3 {requirepass secret} {
    assert_equal 0 [lindex [ctl $cluster::ids --password secret wait healthy 30] 0]
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]
    set file $::env(VARD_TEST_DIR)/backup

    test "a backup of an empty state, or almost empty" {
        lassign [ctl $follow --password secret backup $file.empty] status output
        # Without any entry applied there is nothing to back up.
        assert {$status in {0 5}} $output
        assert_match [expr {$status == 0 ? "*: whole, entry *" :
            "*the state is empty*"}] $output
    }

    test "RAFT SNAPSHOT: one at a time, in order, and none that is not there" {
        R $follow SET k v
        set id [R $follow RAFT SNAPSHOT OPEN]
        assert_error "BUSY*" {R $follow RAFT SNAPSHOT OPEN}
        assert_error "*no snapshot with this id*" {
            R $follow RAFT SNAPSHOT READ 1 0
        }
        wait_for_condition 20000 {
            [string match "version:*index:*" [R $follow RAFT SNAPSHOT READ $id 0]]
        } {error "no position"}
        assert_error "*one after the other*" {
            R $follow RAFT SNAPSHOT READ $id 7
        }
        wait_for_condition 20000 {
            [R $follow RAFT SNAPSHOT READ $id 1] ne ""
        } {error "no chunk"}
        assert_equal [R $follow RAFT SNAPSHOT READ $id 1] \
            [R $follow RAFT SNAPSHOT READ $id 1]
        foreach bad {{} {READ} {READ x 1} {OPEN x} {CLOSE} {NOSUCH 1}} {
            assert_error "*ERR*" {R $follow RAFT SNAPSHOT {*}$bad}
        }
        assert_equal OK [R $follow RAFT SNAPSHOT CLOSE $id]
        assert_error "*no snapshot with this id*" {
            R $follow RAFT SNAPSHOT CLOSE $id
        }
        assert_error "*no snapshot with this id*" {
            R $follow RAFT SNAPSHOT READ $id 2
        }
    }

    test "the password is asked for" {
        lassign [ctl $follow backup $file.denied] status output
        assert_equal 5 $status $output
        assert_match "*NOAUTH*" $output
        assert {![file exists $file.denied] && ![file exists $file.denied.part]}
    }

    test "under load: whole, of one entry, from a follower" {
        set acks $::env(VARD_TEST_DIR)/backup.acks
        set pid [start_load $cluster::ids $acks --writers 8 --seconds 120 \
            --op set --prefix backup --password secret]
        wait_for_condition 20000 {
            [file exists $acks] && [file size $acks] > 20000
        } {error "no load"}
        for {set i 0} {$i < 3} {incr i} {
            lassign [ctl $cluster::ids --password secret backup $file.$i] \
                status output
            assert_equal 0 $status $output
            assert_match "$file.$i: whole, entry *" $output
            lassign [run_program $vardctl verify $file.$i] status again
            assert_equal 0 $status $again
            assert_equal [string trim $output] [string trim $again]
        }
        set report [finish_load $pid $acks]
        verify_load $cluster::ids $acks --op set --prefix backup \
            --password secret
        lassign [run_program $vardctl verify $file.0] status first
        lassign [run_program $vardctl verify $file.2] status last
        assert {[told $first {entry (\d+)}] < [told $last {entry (\d+)}]}
    }

    test "the same entry is the same backup on every member" {
        R $lead SET last write
        set hashes {}
        foreach id $cluster::ids {
            wait_for_condition 20000 {
                [R $id GET last] eq "write"
            } {error "not there"}
            lassign [ctl $follow --password secret backup $file.m$id \
                127.0.0.1:$nodes($id,port)] status output
            if {$id == $follow} {
                assert_equal 2 $status $output ;# given twice
                lassign [ctl $follow --password secret backup $file.m$id] \
                    status output
            }
            assert_equal 0 $status $output
            lappend hashes [told $output {(entry .*)$}]
        }
        assert_equal 1 [llength [lsort -unique $hashes]] $hashes
    }

    test "a file that is there is not written over" {
        set before [file mtime $file.0]
        lassign [ctl $follow --password secret backup $file.0] status output
        assert_equal 3 $status
        assert_match "*there is such a file already*" $output
        assert_equal $before [file mtime $file.0]
        lassign [ctl $follow --password secret backup /nonexistent/x] \
            status output
        assert_equal 3 $status
        assert_match "*/nonexistent/x.part: *" $output
        # What was opened for it has been closed again.
        lassign [ctl $follow --password secret backup $file.after] status output
        assert_equal 0 $status $output
    }

    test "verify: what is no whole backup is told what to do" {
        set f [open $file.0 rb]
        set whole [read $f]
        close $f
        set middle [expr {[string length $whole] / 2}]
        set flipped [string replace $whole $middle $middle \
            [binary format c [expr {~[scan [string index $whole $middle] %c]}]]]
        foreach {content pattern} [list \
            [string range $whole 0 end-1] "*cut short*another backup*" \
            [string range $whole 0 $middle] "*cut short*another backup*" \
            $flipped "*at byte *another backup*" \
            "${whole}x" "*after the trailer*" \
            "vardbak9[string range $whole 8 end]" "*use the version*" \
            "something else altogether" "*no backup made by vardctl*" \
            "" "*cut short*"] {
            set f [open $file.bad wb]
            puts -nonewline $f $content
            close $f
            lassign [run_program $vardctl verify $file.bad] status output
            assert_equal 1 $status $output
            assert_match $pattern $output
        }
        lassign [run_program $vardctl verify /nonexistent] status output
        assert_equal 1 $status
        assert_match "*/nonexistent: No such file*" $output
    }

    test "restore: what is no whole backup, or no new directory, is refused" {
        set dir $::env(VARD_TEST_DIR)/restored
        file mkdir $dir
        close [open $dir/mine w]
        foreach {from to pattern} [list \
            $file.0 $dir "*not empty (mine)*" \
            $file.bad $dir.new "*Do not use this file*" \
            /nonexistent $dir.new "*No such file*" \
            $file.0 $file.1 "*Not a directory*"] {
            lassign [run_program $vardctl restore $from $to] status output
            assert_equal 3 $status $output
            assert_match $pattern $output
        }
        assert {![file exists $dir.new]}
        assert_equal mine [glob -tails -directory $dir *]
        # A file that is cut short is found out when it has been copied.
        set f [open $file.bad wb]
        puts -nonewline $f [string range $whole 0 end-1]
        close $f
        lassign [run_program $vardctl restore $file.bad $dir.new] status output
        assert_equal 3 $status
        assert_match "*cut short*Remove $dir.new.part*" $output
        assert {![file exists $dir.new]}
        lassign [run_program $vardctl restore $file.0 $dir.new] status output
        assert_equal 3 $status
        assert_match "*$dir.new.part: this directory is not empty*" $output
        file delete -force $dir.new.part
    }

    test "a node that stops in between leaves no file" {
        set id [R $follow RAFT SNAPSHOT OPEN]
        lassign [ctl $follow --password secret backup $file.busy] status output
        # Another follower, or the leader, may do it.
        assert {$status in {0 5}} $output
        R $follow RAFT SNAPSHOT CLOSE $id
        kill_node $follow
        lassign [ctl $follow --password secret --timeout 2 backup \
            $file.dead] status output
        assert_equal 3 $status $output
        assert {![file exists $file.dead] && ![file exists $file.dead.part]}
        restart_node $follow
    }
}

# What a client sees of the data.
proc seen {id} {
    return [list [R $id DBSIZE] [R $id MGET a big n] [R $id STRLEN long] \
        [R $id GETRANGE long 499990 -1] [R $id PEXPIRETIME lease] \
        [R $id ONCE me 7 INCR n]]
}

set backup $::env(VARD_TEST_DIR)/one

start_server {} {
    test "round 0: a backup of a node on its own" {
        R 1 MSET a 1 big [string repeat x 20000] n 5
        R 1 SETRANGE long 500000 end
        R 1 SET lease me PX 600000
        assert_equal 6 [R 1 ONCE me 7 INCR n]
        R 1 SET gone soon PX 1
        set before [seen 1]
        lassign [ctl 1 backup $backup] status output
        assert_equal 0 $status $output
    }
}

# Two times: what was restored is backed up and restored again.
foreach round {1 2} {
    set dir $::env(VARD_TEST_DIR)/new$round
    test "restore, round $round: the directory is made" {
        lassign [run_program $vardctl restore $backup $dir] status output
        assert_equal 0 $status $output
        assert_match "$dir: restored *" $output
        assert {![file exists $dir.part]}
    }

    start_server [list dir $dir] {
        test "round $round: the data is there, and goes on" {
            assert_equal [lrange $before 1 end] [lrange [seen 1] 1 end]
            assert_equal [expr {6 + $round}] [R 1 INCR n]
            assert_equal [expr {7 + $round}] [R 1 INCR n]
            R 1 DECR n
            assert_equal OK [R 1 SET a 1]
            set index [dict get [R 1 RAFT STATUS] commit-index]
            assert {$index > $round * (1 << 32)} $index
            set before [lreplace $before 1 1 [list 1 [string repeat x 20000] \
                [R 1 GET n]]]
            kill_node 1
            restart_node 1
            assert_equal [lrange $before 1 end] [lrange [seen 1] 1 end]
            set backup $backup.$round
            lassign [ctl 1 backup $backup] status output
            assert_equal 0 $status $output
        }
    }
}

# The bytes of a node's files.
proc bytes_of {id} {
    set sum 0
    foreach f [glob -nocomplain $::nodes($id,dir)/db/*] {
        if {![catch {file size $f} size]} {incr sum $size}
    }
    return $sum
}

proc random_bytes {count} {
    set fd [open /dev/urandom rb]
    set bytes [read $fd $count]
    close $fd
    return $bytes
}

start_server {state-memory 1mb} {
    test "FLUSHALL gives its space back although a snapshot is read" {
        for {set n 0} {$n < 400} {incr n} {
            R 1 SET key$n [random_bytes 50000]
        }
        set id [R 1 RAFT SNAPSHOT OPEN]
        wait_for_condition 20000 {
            [string match "version:*" [R 1 RAFT SNAPSHOT READ $id 0]]
        } {error "no position"}
        set before [bytes_of 1]
        assert {$before > 15000000} $before
        R 1 FLUSHALL
        # Now its disk is short of space; what is read is read for a while.
        R 1 CONFIG SET min-free-disk 1024gb
        assert_match "version:*" [R 1 RAFT SNAPSHOT READ $id 0]
        wait_for_condition 90000 {
            [catch {R 1 RAFT SNAPSHOT READ $id 0} why]
        } {error "it is not closed"}
        assert_match "*this snapshot was closed: the disk of this node is short\
            of space*read one of another node, or make room first*" $why
        # What is left is its log.
        wait_for_condition 60000 {[bytes_of 1] < $before - 15000000} {
            error "[bytes_of 1] bytes of $before are kept"
        }
        R 1 CONFIG SET min-free-disk 1mb
        assert_error "*no snapshot with this id*" {
            R 1 RAFT SNAPSHOT READ [expr {$id + 5}] 0
        }
    }
}

set giant [string repeat [random_bytes 60000] 1000]
set digest [zlib crc32 $giant]

start_server {} {
    test "a value of 60 MB: backed up" {
        R 1 SET giant $giant
        R 1 SET small one
        lassign [ctl 1 backup $backup.giant] status output
        assert_equal 0 $status $output
        lassign [run_program $vardctl verify $backup.giant] status output
        assert_equal 0 $status $output
        assert_match "*2 keys*" $output
        set dir $::env(VARD_TEST_DIR)/giant
        lassign [run_program $vardctl restore $backup.giant $dir] status output
        assert_equal 0 $status $output
    }
}

start_server [list dir $dir] {
    test "a value of 60 MB: restored" {
        assert_equal [string length $giant] [R 1 STRLEN giant]
        assert_equal $digest [zlib crc32 [R 1 GET giant]]
        assert_equal one [R 1 GET small]
    }
}
