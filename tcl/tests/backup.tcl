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

    test "RAFT ENTRIES: what is committed, from an entry on" {
        set commit [dict get [R $lead RAFT STATUS] commit-index]
        set piece [R $lead RAFT ENTRIES 1]
        assert_match "vardlog1*" $piece
        binary scan $piece x8w first
        assert_equal 1 $first
        # 40 bytes are the head alone: nothing comes yet.
        wait_for_condition 20000 {
            [string length [R $lead RAFT ENTRIES [expr {
                [dict get [R $lead RAFT STATUS] commit-index] + 1}]]] == 40
        } {error "no end"}
        assert {[string length $piece] > 40}
        assert_equal "" [R $lead RAFT ENTRIES [expr {$commit + 100000}]]
        foreach bad {0 x -1 99999999999999999999} {
            assert_error "*index of an entry is a number above 0*" {
                R $lead RAFT ENTRIES $bad
            }
        }
        assert_error "*wrong number of arguments*" {R $lead RAFT ENTRIES}
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

    set arch $::env(VARD_TEST_DIR)/archive

    proc kill_archive {pid} {
        signal_process $pid KILL
        wait_process_end $pid 30000
    }

    proc start_archive {dir} {
        return [start_process $dir.log $::vardctl --cluster \
            [addresses $cluster::ids] --password secret archive $dir \
            --piece 16kb]
    }

    test "archive: kept while clients write, leaders change, and it is killed" {
        set archiver [start_archive $arch]
        wait_for_condition 60000 {[glob -nocomplain $arch/base-*] ne ""} {
            error [read_file $arch.log]
        }
        set pid [start_load $cluster::ids $arch.acks --writers 4 --seconds 120 \
            --op set --prefix archive --password secret]
        wait_for_condition 20000 {
            [file exists $arch.acks] && [file size $arch.acks] > 20000
        } {error "no load"}
        assert_error "*into it*" {
            lassign [ctl $cluster::ids --password secret archive $arch --once] \
                status output
            error $output
        }
        assert_equal 3 $status
        R [wait_for_leader] RAFT TRANSFER
        kill_archive $archiver
        set size [file size $arch.acks]
        wait_for_condition 20000 {[file size $arch.acks] > $size + 20000}
        set archiver [start_archive $arch]
        set dead [wait_for_leader]
        kill_node $dead
        wait_for_leader [lsearch -all -inline -not -exact $cluster::ids $dead]
        restart_node $dead
        finish_load $pid $arch.acks
        wait_for_leader
        assert {[llength [glob $arch/base-*]] == 1}
    }

    test "archive: what comes after a moment, and its state there" {
        set any [wait_for_leader]
        assert_equal OK [R $any SET marker before]
        set keys [R $any DBSIZE]
        # What members compare is the state after an entry that is known.
        set checked [R $any RAFT CHECK 60]
        assert_match "*result:equal*" $checked
        pause 300 ;# the log's time is within 20 ms of wall clocks
        set until [clock milliseconds]
        pause 300
        assert_equal OK [R $any SET marker after]
        for {set i 0} {$i < 20} {incr i} {R $any SET later:$i x}
        kill_archive $archiver
        lassign [ctl $cluster::ids --password secret archive $arch --once] \
            status output
        assert_equal 0 $status $output
        assert_match "*: has all up to entry *" $output
        lassign [run_program $vardctl verify $arch] status output
        assert_equal 0 $status $output
        assert_match "*base-*: whole, entry *: entries * to *, of 20*" $output
        # In pieces of 16 kB, the last of which is open.
        assert {[llength [glob $arch/log-*]] > 3}
        assert {[llength [glob $arch/log-*.part]] == 1}
    }

    test "archive: the password is asked for" {
        lassign [ctl $cluster::ids archive $arch.denied --once] status output
        assert_equal 5 $status $output
        assert_match "*NOAUTH*" $output
    }

    test "archive: a log that was cut is told, and a base begins anew" {
        file copy $arch $arch.cut
        set any [wait_for_leader]
        set last [dict get [R $any RAFT STATUS] commit-index]
        foreach id $cluster::ids {R $id CONFIG SET log-size 1mb}
        set large [string repeat x 100000]
        wait_for_condition 60000 {
            [R $any SET large $large] eq "OK" && [tcl::mathfunc::min \
                {*}[lmap id $cluster::ids {
                    dict get [R $id RAFT STATUS] first-index
                }]] > $last + 1
        } {error "no log is cut"}
        lassign [ctl $cluster::ids --password secret archive $arch.cut --once] \
            status output
        assert_equal 0 $status $output
        assert_match "*CUT the log of this node begins*is lost for this\
            archive, up to a new base*: a base*has all up to*" $output
        lassign [run_program $vardctl verify $arch.cut] status output
        assert_equal 0 $status $output
        assert_equal 2 [llength [glob $arch.cut/base-*]]
        # A moment that is not there is refused, before anything is written.
        lassign [run_program $vardctl restore $arch.cut $arch.new --entry \
            [expr {$last + 1}]] status output
        assert_equal 3 $status $output
        assert_match "*the entries * to * are not in it*" $output
        assert {[glob -nocomplain $arch.new*] eq ""}
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

# Restores the archive as the arguments say; the output.
proc rewind {arch dir args} {
    lassign [run_program $::vardctl restore $arch $dir {*}$args] status output
    assert_equal 0 $status $output
    assert_match "*the state after entry *$dir: restored *" $output
    assert_equal $dir [glob $dir*]
    return $output
}

test "restore: an archive up to an entry has the state of the members there" {
    regexp {index:(\d+)} $checked -> index
    regexp {hash=([0-9a-f]{16})} $checked -> hash
    set output [rewind $arch $arch.check --entry $index]
    assert_equal $index [told $output {after entry (\d+)}]
    assert_equal $hash [told $output {hash ([0-9a-f]{16})}]
    # All of it.
    rewind $arch $arch.all
}

test "restore: a moment that an archive does not have is refused" {
    foreach {option value pattern} [list \
        --entry 1 "*nothing is known of the time before*" \
        --until 1000 "*nothing is known of the time before*" \
        --entry 999999999 "*it ends with entry *" \
        --until [expr {[clock seconds] + 3600}] "*it ends with entry *"] {
        lassign [run_program $vardctl restore $arch $arch.no $option $value] \
            status output
        assert_equal 3 $status $output
        assert_match $pattern $output
    }
    foreach {arguments pattern} [list \
        {--until yesterday} "*not a time: yesterday*" \
        {--until} "*no value for --until*" \
        {--entry 0} "*not the index of an entry*" \
        {--since 1} "*unknown option --since*"] {
        lassign [run_program $vardctl restore $arch $arch.no {*}$arguments] \
            status output
        assert_equal 2 $status $output
        assert_match $pattern $output
    }
    lassign [run_program $vardctl restore $file.0 $arch.no --entry 7] \
        status output
    assert_equal 2 $status $output
    assert {[glob -nocomplain $arch.no*] eq ""}
}

test "verify, restore: an archive that is damaged" {
    set pieces [lsort [glob $arch/log-*]]
    set piece [lindex $pieces 1]
    set whole [read_file $piece]
    set fd [open $piece rb]
    set whole [read $fd]
    close $fd
    set flipped [string replace $whole 200 200 \
        [binary format c [expr {~[scan [string index $whole 200] %c]}]]]
    foreach {content pattern} [list \
        $flipped "*an entry is damaged*" \
        [string range $whole 0 end-1] "*it is cut short*" \
        "" "*its head is damaged*"] {
        set fd [open $piece wb]
        puts -nonewline $fd $content
        close $fd
        lassign [run_program $vardctl verify $arch] status output
        assert_equal 1 $status $output
        assert_match $pattern $output
        lassign [run_program $vardctl restore $arch $arch.bad] status output
        assert_equal 3 $status $output
        assert_match $pattern $output
    }
    file delete $piece
    lassign [run_program $vardctl verify $arch] status output
    assert_equal 1 $status $output
    assert_match "*are missing, and there is no base that has them*" $output
    lassign [run_program $vardctl restore $arch $arch.bad] status output
    assert_equal 3 $status $output
    assert_match "*the entries * to * are not in it*" $output
    assert {[glob -nocomplain $arch.bad*] eq ""}
    set fd [open $piece wb]
    puts -nonewline $fd $whole
    close $fd
    lassign [run_program $vardctl verify $arch] status output
    assert_equal 0 $status $output
    set seconds [format %d.%03d [expr {$until / 1000}] [expr {$until % 1000}]]
    rewind $arch $arch.until --until $seconds
}

start_server [list dir $arch.until] {
    test "restore --until, an archive: what was acknowledged before, and no more" {
        assert_equal before [R 1 GET marker]
        assert_equal $keys [R 1 DBSIZE]
        assert_equal 0 [R 1 EXISTS later:0 later:19]
        verify_load 1 $arch.acks --op set --prefix archive
        set index [dict get [R 1 RAFT STATUS] commit-index]
        assert {$index > 1 << 32} $index
    }

    test "archive: not of another cluster" {
        lassign [ctl 1 archive $arch --once] status output
        assert_equal 5 $status $output
        assert_match "*is the archive of the cluster *another directory*" $output
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
