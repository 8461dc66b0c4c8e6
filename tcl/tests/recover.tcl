# The last resort: of three directories one or two are left, and what the newest
# of them has becomes a cluster of its own.

# Writes the nodes that are up have, and others may lack.
proc put_keys {id from to} {
    for {set i $from} {$i <= $to} {incr i} {
        assert_equal OK [R $id SET "key:$i" $i]
    }
}

proc recover {input args} {
    set code [catch {exec $::vardctl recover {*}$args << $input 2>@1} output options]
    if {$code == 0} {return [list 0 $output]}
    set status [lindex [dict get $options -errorcode] 2]
    regsub {\nchild process exited abnormally$} $output "" output
    return [list $status $output]
}

# The table's row of a directory: node, term, last term, last entry, ...
proc row_of {output id} {
    foreach line [split $output \n] {
        if {[lindex $line 0] eq $id && $::nodes($id,dir) in $line} {return $line}
    }
    error "no row of node $id in:\n$output"
}

# Starts it as a cluster of one, with a node line for itself alone.
proc start_alone {id} {
    write_file $::nodes($id,conf) "node-id $id
node $id 127.0.0.1:$::nodes($id,peer) 127.0.0.1:$::nodes($id,port)
bind 127.0.0.1
port $::nodes($id,port)
dir $::nodes($id,dir)
min-free-disk 1mb
"
    set ::nodes($id,pid) [start_process $::nodes($id,log) $::vard $::nodes($id,conf)]
    wait_node_up $id
}

proc roles_at {id} {
    set roles {}
    foreach m [dict get [R $id RAFT MEMBERS] members] {
        lappend roles [dict get $m id] [dict get $m role]
    }
    return $roles
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    lassign [followers $lead] early late
    put_keys $lead 1 50
    wait_for_same_state

    test "not while a node runs on one of them" {
        lassign [recover "" $nodes($late,dir)] status output
        assert_equal 3 $status $output
        assert_match "*a node runs on it: stop it first*" $output
    }

    kill_node $early
    put_keys $lead 51 100
    wait_for_condition 20000 {[R $late DBSIZE] == 100}
    kill_node $lead

    # Without a majority.
    test "READONLY serves what is not too old, and asks as any read beyond that" {
        R $late CONFIG SET request-timeout 200
        R $late READONLY
        R $late CONFIG SET stale-max-ms 3600000
        assert_equal 100 [R $late GET key:100]
        assert_equal 50 [R $late GET key:50]
        foreach limit {1 0} {
            R $late CONFIG SET stale-max-ms $limit
            after 5
            assert_error "CLUSTERDOWN *" {R $late GET key:100}
        }
        R $late CONFIG SET stale-max-ms 3600000
        assert_equal 100 [R $late GET key:100]
        R $late READWRITE
        assert_error "CLUSTERDOWN *" {R $late GET key:100}
    }

    kill_node $late
    set dirs [list $nodes($early,dir) $nodes($late,dir)]

    test "what names no data, or is given twice, is refused" {
        set empty $env(VARD_TEST_DIR)/empty
        file mkdir $empty
        foreach {args wanted} [list \
            {} "*wrong number*" \
            [list $empty] "*no data of a node in it*" \
            [list /nowhere/at/all] "*no data of a node in it*" \
            [list --force] "*no directory*" \
            [list --cluster-id] "*no value*" \
            [list --nonsense $nodes($late,dir)] "*unknown option*" \
            [list $nodes($late,dir) $nodes($late,dir)] "*a node runs on it*"] {
            lassign [recover "" {*}$args] status output
            assert {$status in {2 3}} $output
            assert_match $wanted $output
        }
        file copy $nodes($late,dir) $env(VARD_TEST_DIR)/copy
        lassign [recover "" $nodes($late,dir) $env(VARD_TEST_DIR)/copy] status output
        assert_equal 3 $status $output
        assert_match "*are both of node $late*" $output
        file delete -force $env(VARD_TEST_DIR)/copy
    }

    test "a majority is to be started, not recovered" {
        lassign [recover "" {*}$dirs] status output
        assert_equal 3 $status $output
        assert_match "*2 of the 3 voters, a majority: start them*" $output
        assert {[lindex [row_of $output $late] 3] > [lindex [row_of $output $early] 3]}
        assert_match "*<- the newest*" [row_of $output $late]
    }

    set before [row_of [lindex [recover "" {*}$dirs] 1] $late]
    set cluster [lindex $before 5]
    test "the id of the cluster must be typed" {
        foreach {typed given} [list "" {} "yes\n" {} "[string reverse $cluster]x\n" {} \
            "$cluster\n" {--cluster-id 0000000000000000}] {
            lassign [recover $typed --force {*}$given {*}$dirs] status output
            assert_equal 3 $status $output
            assert_match "*is not the id of the cluster, $cluster*" $output
            assert_equal $before [row_of $output $late]
        }
    }

    test "the newest is taken, and serves alone" {
        lassign [recover "$cluster\n" --force {*}$dirs] status output
        assert_equal 0 $status $output
        assert_match "*node $late is a cluster of its own now*" $output
        assert_match "*no acknowledged write is missing*" $output
        assert {![string match "*of its own now, $cluster*" $output]}
        start_alone $late
        wait_for_condition 20000 {![catch {R $late GET key:100} v] && $v == 100} {
            error "it does not serve:\n[log_tail $late]"
        }
        assert_equal 100 [R $late DBSIZE]
        assert_equal OK [R $late SET after 1]
        set members [dict get [R $late RAFT MEMBERS] members]
        assert_equal 1 [llength $members]
        assert_equal $late [dict get [lindex $members 0] id]
        assert {[dict get [lindex $members 0] life] > 0}
    }

    test "members of the old cluster are refused" {
        start_node $early 0
        wait_for_condition 20000 {
            [string match "*it belongs to another cluster*" [read_file $nodes($late,log)]]
        } {error [log_tail $late]}
        assert_equal 101 [R $late DBSIZE]
        kill_node $early
    }

    # Its data are kept for what comes after it.
    test "an emptied member joins the recovered cluster, when it is added" {
        file rename $nodes($early,dir) $env(VARD_TEST_DIR)/kept
        file mkdir $nodes($early,dir)
        write_file $nodes($early,log) ""
        start_node $early 0
        wait_for_condition 30000 {[string match \
            "*member $late refuses: no member of this cluster has that node-id*" \
            [read_file $nodes($early,log)]]} {error [log_tail $early]}
        assert_equal 1 [llength [dict get [R $late RAFT MEMBERS] members]]
        assert_equal $early [R $late RAFT ADD $early 127.0.0.1:$nodes($early,peer) \
            127.0.0.1:$nodes($early,port)]
        wait_for_condition 60000 {[roles_at $late] eq
            [lsort -stride 2 [list $early voter $late voter]]} {error [log_tail $early]}
        wait_node_up $early
        assert_equal 1 [R $early GET after]
        assert_equal 101 [R $early DBSIZE]
        assert_equal OK [R $early SET joined 1]
        assert_equal OK [R $late RAFT REMOVE $early WAIT]
        wait_for_condition 30000 {![node_alive $early]} {error [log_tail $early]}
        forget_client $early
        file delete -force $nodes($early,dir)
        file rename $env(VARD_TEST_DIR)/kept $nodes($early,dir)
    }

    test "it starts again, also without its own node line" {
        kill_node $late
        start_alone $late
        assert_equal 1 [R $late GET after]
        kill_node $late TERM
    }

    test "one that is left alone says what may be missing" {
        lassign [recover "" --cluster-id $cluster $nodes($early,dir)] status output
        assert_equal 0 $status $output
        assert_match "*Of 3 voters of the old cluster 1 were here*" $output
        assert_match "*entry [lindex [row_of $output $early] 3] of term*" $output
        start_alone $early
        wait_for_condition 20000 {![catch {R $early DBSIZE} v] && $v >= 50}
        assert {[R $early DBSIZE] < 100}
        assert_equal 50 [R $early GET key:50]
        kill_node $early TERM
    }

    test "two clusters came of one: they are told apart" {
        lassign [recover "" {*}$dirs] status output
        assert_equal 3 $status $output
        assert_match "*are of different clusters*" $output
    }
}
