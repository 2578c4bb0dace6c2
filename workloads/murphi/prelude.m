-- How tables run, in Murphi: what include/skerry/protocol.h says of hosts and steps, written down a second time.
--
-- "skerry export" puts a protocol's constants, its learnt actions and its clients where a line says so. Nothing here is
-- symmetric on purpose (subranges, no scalarsets), so the number of states is that of the whole state space.
--
-- A reference is a number: kind * NODES + node. Kinds: nobody, a client, a slot, the same slot once it was given back (gone
-- in the step that did, stale after it), any free slot of a machine, the slot that stands for the message's name, a name.
-- A list is kept sorted, since its order is no state; so are parked messages, by the slot in which they wait.
--
-- Rumur copies what is called into every place that calls it, with the types of all that it names. So actions name little:
-- what the cell that runs sees is in ..._in, what it sets in ..._out, what it asks for in op_..., which is done in one
-- place when it is over; and there is one rule.
-- @constants

type
  node_t: 0..NODES - 1;
  client_t: 0..CLIENTS - 1;
  slot_t: 0..SLOTS - 1;
  place_t: 0..SLOTS; -- SLOTS: no slot
  machine_t: 0..MACHINES;
  kind_t: 0..KINDS - 1;
  ref_t: 0..KINDS * NODES - 1;
  event_t: 0..EVENTS - 1;
  state_t: 0..STATES - 1;
  cell_t: 0..CELLS;
  word_t: 0..WORDS - 1;
  link_t: 0..LINKS - 1;
  msg_t: record
    event: event_t;
    dest, src, arg: ref_t;
    word: word_t;
  end;
  member_t: record
    ref: ref_t;
    told: boolean;
  end;
  list_t: record
    count: 0..LINKS;
    fan: event_t;
    link: array [link_t] of member_t;
  end;
  refs_t: array [0..REFS - 1] of ref_t;
  words_t: array [0..WORD_FIELDS - 1] of word_t;
  slot_r: record
    state: state_t;
    pending: 0..PENDING_TIMER;
    name: ref_t;
    ref: refs_t;
    word: words_t;
    list: array [0..LISTS - 1] of list_t;
  end;

var
  at: array [node_t] of array [slot_t] of slot_r;
  channel: array [node_t] of array [node_t] of record
    count: 0..ROOM;
    msg: array [0..ROOM - 1] of msg_t;
  end;
  park: array [node_t] of record
    count: 0..PARKS;
    at: array [0..PARKS - 1] of record
      holder: place_t; -- SLOTS: a machine that is no more
      msg: msg_t;
    end;
  end;
  flight: array [node_t] of array [client_t] of msg_t; -- event 0: none
  -- Of the step that runs; empty between steps.
  raised: array [0..RAISED - 1] of msg_t;
  raised_head, raised_tail: 0..RAISED;
  -- Of the cell that runs.
  here: node_t;
  slot: place_t; -- SLOTS: it has none
  me: ref_t;
  dest_in, src_in, arg_in: ref_t; -- of the message
  word_in: word_t;
  event_in: event_t;
  ref_in, ref_out: refs_t;
  field_in, field_out: words_t;
  count_in: array [0..LISTS - 1] of 0..LINKS; -- members of its lists
  pending_out: 0..PENDING_TIMER;
  op_kind: array [0..OPS - 1] of 0..OP_LAST; -- 0: tells
  op_list, op_other: array [0..OPS - 1] of 0..LISTS - 1;
  op_event: array [0..OPS - 1] of event_t;
  op_a, op_b, op_src: array [0..OPS - 1] of ref_t;
  op_for: array [0..OPS - 1] of boolean; -- told for op_src, not for itself
  op_word: array [0..OPS - 1] of word_t;
  ops: 0..OPS;
  ended: array [client_t] of record
    is: boolean;
    result: word_t;
    arg: ref_t;
  end;
  given: array [slot_t] of boolean; -- slots of the step's kernel that were given back
  beginning: boolean; -- nobody called what makes the initial state
  resting: boolean; -- nothing but a new call can happen: follows from the rest of the state
  handling: 0..4;
  sent: 0..255;

-- ---- references ----

function node_of(r: ref_t): node_t; begin return r % NODES; end;
function kind_of(r: ref_t): kind_t; begin return r / NODES; end;
function ref(n: node_t; kind: kind_t): ref_t; begin return kind * NODES + n; end;
function slot_ref(n: node_t; s: slot_t): ref_t; begin return (K_SLOT + s) * NODES + n; end;
function is_slot(r: ref_t): boolean; begin return kind_of(r) >= K_SLOT & kind_of(r) < K_SLOT + SLOTS; end;
function is_gone(r: ref_t): boolean; begin return kind_of(r) >= K_GONE & kind_of(r) < K_GONE + SLOTS; end;
function is_stale(r: ref_t): boolean; begin return kind_of(r) >= K_GONE & kind_of(r) < K_STALE + SLOTS; end;
function is_new(r: ref_t): boolean; begin return kind_of(r) >= K_NEW & kind_of(r) < K_NEW + MACHINES; end;
function is_named(r: ref_t): boolean; begin return kind_of(r) >= K_NAMED & kind_of(r) < K_NAMED + MACHINES; end;
function is_client(r: ref_t): boolean; begin return kind_of(r) >= K_CLIENT & kind_of(r) < K_CLIENT + CLIENTS; end;

function machine_of(r: ref_t): machine_t;
begin
  if is_slot(r) then return slot_machine(kind_of(r) - K_SLOT); end;
  if is_stale(r) then return slot_machine((kind_of(r) - K_GONE) % SLOTS); end;
  if is_new(r) then return kind_of(r) - K_NEW + 1; end;
  if is_named(r) then return kind_of(r) - K_NAMED + 1; end;
  return 0;
end;

-- The machine that r names is there and is that one.
function is_live(r: ref_t): boolean;
begin
  return is_slot(r) & at[node_of(r)][kind_of(r) - K_SLOT].state != 0;
end;

-- The slot of a machine that stands for a name, or SLOTS.
function slot_for(n: node_t; machine: machine_t; name: ref_t): place_t;
begin
  for s: slot_t do
    if slot_machine(s) = machine & at[n][s].state != 0 & at[n][s].name = name then return s; end;
  end;
  return SLOTS;
end;

function free_slot(n: node_t; machine: machine_t): place_t;
begin
  for s: slot_t do
    if slot_machine(s) = machine & at[n][s].state = 0 then return s; end;
  end;
  return SLOTS;
end;

-- ---- clients ----
-- @model

-- ---- what actions ask for ----

-- Its argument, word and sender, where it has any, are set before.
procedure tell(dest: ref_t; event: event_t);
begin
  op_a[ops] := dest;
  op_event[ops] := event;
  ops := ops + 1;
end;

procedure ask(kind: 0..OP_LAST; l: 0..LISTS - 1; a: ref_t);
begin
  op_kind[ops] := kind;
  op_list[ops] := l;
  op_a[ops] := a;
  ops := ops + 1;
end;

procedure need_slot();
begin
  if slot = SLOTS then error "an action uses a slot where there is none"; end;
end;

-- ---- lists ----

procedure list_sort(n: node_t; s: slot_t; l: 0..LISTS - 1);
var m: member_t;
begin
  for round: link_t do
    if round < at[n][s].list[l].count then
      for i: link_t do
        if i > 0 & i < at[n][s].list[l].count then
          if at[n][s].list[l].link[i].ref < at[n][s].list[l].link[i - 1].ref |
             (at[n][s].list[l].link[i].ref = at[n][s].list[l].link[i - 1].ref &
              at[n][s].list[l].link[i].told & !at[n][s].list[l].link[i - 1].told) then
            m := at[n][s].list[l].link[i];
            at[n][s].list[l].link[i] := at[n][s].list[l].link[i - 1];
            at[n][s].list[l].link[i - 1] := m;
          end;
        end;
      end;
    end;
  end;
end;

function list_find(n: node_t; s: slot_t; l: 0..LISTS - 1; r: ref_t): 0..LINKS;
begin
  for i: link_t do
    if i < at[n][s].list[l].count & at[n][s].list[l].link[i].ref = r then return i; end;
  end;
  return LINKS;
end;

procedure list_append(n: node_t; s: slot_t; l: 0..LISTS - 1; r: ref_t);
begin
  if at[n][s].list[l].count = LINKS then error "the link pool is exhausted"; end;
  at[n][s].list[l].link[at[n][s].list[l].count].ref := r;
  at[n][s].list[l].link[at[n][s].list[l].count].told := false;
  at[n][s].list[l].count := at[n][s].list[l].count + 1;
end;

procedure list_cut(n: node_t; s: slot_t; l: 0..LISTS - 1; i: link_t);
begin
  for k: link_t do
    if k >= i & k + 1 < at[n][s].list[l].count then at[n][s].list[l].link[k] := at[n][s].list[l].link[k + 1]; end;
  end;
  at[n][s].list[l].count := at[n][s].list[l].count - 1;
  clear at[n][s].list[l].link[at[n][s].list[l].count];
end;

-- ---- actions and tables, from the code ----
-- @actions

-- ---- what was asked for is done: messages go into the queue of raised events, or into a channel ----

procedure emit(n: node_t; m: msg_t);
begin
  if node_of(m.dest) = n then
    if raised_tail = RAISED then error "a step raises too many events"; end;
    raised[raised_tail] := m;
    raised_tail := raised_tail + 1;
  else
    if channel[n][node_of(m.dest)].count = CREDIT then error "a channel needs more than its credit"; end;
    if channel[n][node_of(m.dest)].count = ROOM then error "a channel needs more room than this text gives it"; end;
    if class_of(m.event) < handling then error "sends a message of a lower class than it handles"; end;
    channel[n][node_of(m.dest)].msg[channel[n][node_of(m.dest)].count] := m;
    channel[n][node_of(m.dest)].count := channel[n][node_of(m.dest)].count + 1;
    sent := sent + 1;
  end;
end;

procedure emit_plain(n: node_t; dest: ref_t; event: event_t; src, arg: ref_t; word: word_t);
var m: msg_t;
begin
  m.dest := dest;
  m.event := event;
  m.src := src;
  m.arg := arg;
  m.word := word;
  emit(n, m);
end;

procedure perform_list(n: node_t; s: slot_t; l: 0..LISTS - 1; i: 0..OPS - 1);
var k: 0..LINKS;
begin
  k := list_find(n, s, l, op_a[i]);
  switch op_kind[i]
  case OP_ADD: list_append(n, s, l, op_a[i]);
  case OP_ADD_ONCE: if k = LINKS then list_append(n, s, l, op_a[i]); end;
  case OP_ADD_OTHERS:
    for b: node_t do
      if b != n then list_append(n, s, l, ref(b, kind_of(op_a[i]))); end;
    end;
  case OP_REPLACE:
    if k = LINKS then error "replaces what is not a member"; end;
    at[n][s].list[l].link[k].ref := op_b[i];
  case OP_REMOVE:
    if k = LINKS then error "removes what is not a member"; end;
    list_cut(n, s, l, k);
  case OP_REMOVE_IF: if k != LINKS then list_cut(n, s, l, k); end;
  case OP_FANOUT: at[n][s].list[l].fan := op_event[i];
  case OP_STOP: at[n][s].list[l].fan := 0;
  case OP_CLEAR: clear at[n][s].list[l];
  case OP_TAKE_LIST:
    at[n][s].list[l] := at[n][s].list[op_other[i]];
    clear at[n][s].list[op_other[i]];
  end;
  list_sort(n, s, l);
end;

-- The model sees it when the step is over.
procedure complete(client: ref_t; result: word_t; arg: ref_t);
begin
  if !beginning then
    if !is_client(client) | node_of(client) != here then error "completes a call of nobody"; end;
    if flight[here][kind_of(client) - K_CLIENT].event = 0 | ended[kind_of(client) - K_CLIENT].is then
      error "completes a call that is not in flight";
    end;
    ended[kind_of(client) - K_CLIENT].is := true;
    ended[kind_of(client) - K_CLIENT].result := result;
    ended[kind_of(client) - K_CLIENT].arg := arg;
  end;
end;

procedure wake(l: 0..LISTS - 1; event: event_t);
begin
  while at[here][slot].list[l].count != 0 do
    emit_plain(here, at[here][slot].list[l].link[0].ref, event, me, NOBODY, 0);
    list_cut(here, slot, l, 0);
  end;
end;

-- An empty list that is settled tells its own machine.
procedure perform(i: 0..OPS - 1);
begin
  switch op_kind[i]
  case OP_TELL: emit_plain(here, op_a[i], op_event[i], op_for[i] ? op_src[i] : me, op_b[i], op_word[i]);
  case OP_COMPLETE: complete(op_a[i], op_word[i], op_b[i]);
  case OP_WAKE: wake(op_list[i], op_event[i]);
  else
    perform_list(here, slot, op_list[i], i);
    if at[here][slot].list[op_list[i]].count = 0 &
       (op_kind[i] = OP_REMOVE | op_kind[i] = OP_FANOUT | op_kind[i] = OP_SETTLE) then
      emit_plain(here, me, e_EMPTY, me, NOBODY, 0);
    end;
  end;
end;

procedure see_slot(m: msg_t);
begin
  dest_in := m.dest;
  src_in := m.src;
  arg_in := m.arg;
  word_in := m.word;
  event_in := m.event;
  if slot != SLOTS then
    ref_in := at[here][slot].ref;
    ref_out := ref_in;
    field_in := at[here][slot].word;
    field_out := field_in;
    for l := 0 to LISTS - 1 do count_in[l] := at[here][slot].list[l].count; end;
    pending_out := at[here][slot].pending;
  end;
end;

procedure flush();
begin
  if slot != SLOTS then
    at[here][slot].ref := ref_out;
    at[here][slot].word := field_out;
    if pending_out != at[here][slot].pending then
      if at[here][slot].pending != 0 then error "a machine has two local calls or timers under way"; end;
      at[here][slot].pending := pending_out;
    end;
  end;
  for i := 0 to OPS - 1 do
    if i < ops then perform(i); end;
  end;
end;

procedure clear_cell();
begin
  clear here;
  clear slot;
  clear me;
  clear dest_in;
  clear src_in;
  clear arg_in;
  clear word_in;
  clear event_in;
  clear ref_in;
  clear ref_out;
  clear field_in;
  clear field_out;
  clear count_in;
  clear pending_out;
  clear op_kind;
  clear op_list;
  clear op_other;
  clear op_event;
  clear op_a;
  clear op_b;
  clear op_src;
  clear op_for;
  clear op_word;
  clear ops;
end;

-- ---- slots, and references to slots that are given back ----

function faded(r, old, fresh: ref_t): ref_t;
begin
  if r = old then return fresh; end;
  return r;
end;

procedure fade_slots(old, fresh: ref_t);
var changed: boolean;
begin
  for n: node_t do for s: slot_t do
    if at[n][s].state != 0 then
      at[n][s].name := faded(at[n][s].name, old, fresh);
      for i := 0 to REFS - 1 do at[n][s].ref[i] := faded(at[n][s].ref[i], old, fresh); end;
      for l := 0 to LISTS - 1 do
        changed := false;
        for i: link_t do
          if i < at[n][s].list[l].count & at[n][s].list[l].link[i].ref = old then
            at[n][s].list[l].link[i].ref := fresh;
            changed := true;
          end;
        end;
        if changed then list_sort(n, s, l); end;
      end;
    end;
  end; end;
end;

procedure fade_message(var m: msg_t; old, fresh: ref_t);
begin
  m.dest := faded(m.dest, old, fresh);
  m.src := faded(m.src, old, fresh);
  m.arg := faded(m.arg, old, fresh);
end;

procedure fade(old, fresh: ref_t);
begin
  fade_slots(old, fresh);
  for n: node_t do
    for b: node_t do
      for i := 0 to ROOM - 1 do
        if i < channel[n][b].count then fade_message(channel[n][b].msg[i], old, fresh); end;
      end;
    end;
    for i := 0 to PARKS - 1 do
      if i < park[n].count then fade_message(park[n].at[i].msg, old, fresh); end;
    end;
    for c: client_t do fade_message(flight[n][c], old, fresh); end;
  end;
  for i := 0 to RAISED - 1 do
    if i >= raised_head & i < raised_tail then fade_message(raised[i], old, fresh); end;
  end;
  for c: client_t do ended[c].arg := faded(ended[c].arg, old, fresh); end;
  fade_model(old, fresh);
end;

procedure park_insert(n: node_t; holder: place_t; m: msg_t);
var i: 0..PARKS;
begin
  i := park[n].count;
  while i > 0 & park[n].at[i - 1].holder > holder do
    park[n].at[i] := park[n].at[i - 1];
    i := i - 1;
  end;
  park[n].at[i].holder := holder;
  park[n].at[i].msg := m;
  park[n].count := park[n].count + 1;
end;

procedure park_cut(n: node_t; i: 0..PARKS - 1);
begin
  for k := 0 to PARKS - 1 do
    if k >= i & k + 1 < park[n].count then park[n].at[k] := park[n].at[k + 1]; end;
  end;
  park[n].count := park[n].count - 1;
  clear park[n].at[park[n].count];
end;

-- The first message that is parked in a slot (SLOTS: in one that is no more), or PARKS.
function park_first(n: node_t; holder: place_t): 0..PARKS;
begin
  for i := 0 to PARKS - 1 do
    if i < park[n].count & park[n].at[i].holder = holder then return i; end;
  end;
  return PARKS;
end;

procedure slot_give(n: node_t; s: slot_t);
var m: msg_t; i: 0..PARKS;
begin
  if at[n][s].pending != 0 then error "a machine goes while a local call or a timer is under way"; end;
  if given[s] then error "a slot is given back twice in a step"; end;
  clear at[n][s];
  given[s] := true;
  fade(ref(n, K_SLOT + s), ref(n, K_GONE + s));
  i := park_first(n, s);
  while i != PARKS do
    m := park[n].at[i].msg;
    park_cut(n, i);
    park_insert(n, SLOTS, m);
    i := park_first(n, s);
  end;
end;

-- ---- one cell ----

-- The slot that a message is for, taken or still to be taken, or SLOTS.
function target(n: node_t; dest, arg: ref_t): place_t;
var s: place_t;
begin
  if is_slot(dest) then return kind_of(dest) - K_SLOT; end;
  if is_stale(dest) then return SLOTS; end;
  if is_named(dest) then
    s := slot_for(n, machine_of(dest), arg);
    if s != SLOTS then return s; end;
  end;
  return free_slot(n, machine_of(dest));
end;

function target_state(n: node_t; dest: ref_t; s: place_t): state_t;
begin
  if s != SLOTS then return at[n][s].state; end;
  if is_stale(dest) then return 0; end;
  return full_state(machine_of(dest));
end;

procedure stall(m: msg_t; state: state_t);
begin
  if slot != SLOTS & state != 0 & park[here].count < PARKS then
    park_insert(here, slot, m);
  elsif class_of(m.event) = CLASS_CALL then
    error "a client's call finds no place to wait";
  else
    op_b[ops] := m.arg;
    op_word[ops] := m.event;
    tell(m.src, e_NACK);
  end;
end;

procedure run_cell(n: node_t; m: msg_t);
var machine: machine_t; s: place_t; state: state_t; cell: cell_t; fresh, alive: boolean;
begin
  machine := machine_of(m.dest);
  if machine = 0 | node_of(m.dest) != n then error "tells a machine that does not exist"; end;
  if is_named(m.dest) & !is_machine_named(machine) then error "tells a machine that has no names by name"; end;
  s := target(n, m.dest, m.arg);
  state := target_state(n, m.dest, s);
  fresh := s != SLOTS & state = 0 & !is_slot(m.dest);
  here := n;
  me := m.dest;
  if s != SLOTS then
    me := slot_ref(n, s);
  elsif is_stale(m.dest) then
    me := slot_ref(n, (kind_of(m.dest) - K_GONE) % SLOTS);
  end;
  cell := cell_of(machine, state, m.event);
  if cell = 0 then error "reaches a NEVER cell"; end;
  sent := 0;
  alive := s != SLOTS & (state != 0 | (fresh & cell_next(cell) != 0)) & !cell_stalls(cell);
  slot := SLOTS;
  if cell_stalls(cell) then
    slot := s;
    stall(m, state);
    slot := SLOTS;
  elsif alive then
    if fresh & is_named(m.dest) then at[n][s].name := m.arg; end;
    if m.event = e_LOCAL_OK | m.event = e_LOCAL_ERR | m.event = e_TIMER then at[n][s].pending := 0; end;
    at[n][s].state := cell_next(cell);
    slot := s;
  elsif cell_next(cell) != state then
    error "a cell of a free or full row makes a machine where there is no slot";
  end;
  see_slot(m);
  act(cell);
  flush();
  if alive & cell_next(cell) = 0 then slot_give(n, s); end;
  if !cell_stalls(cell) & sent > cell_sends(cell) then error "sends more than its cell declares"; end;
  clear_cell();
end;

-- Runs what was raised, and all that it raises; then the model sees the calls that ended, and the world.
procedure step_run(n: node_t);
var m: msg_t;
begin
  while raised_head != raised_tail do
    m := raised[raised_head];
    raised_head := raised_head + 1;
    run_cell(n, m);
  end;
  clear raised;
  clear raised_head;
  clear raised_tail;
  clear handling;
  clear sent;
  for c: client_t do
    if ended[c].is then
      m := flight[n][c];
      completed(n, c, m, ended[c].result, ended[c].arg);
      clear flight[n][c];
    end;
  end;
  clear ended;
  after_step(n);
  for s: slot_t do
    if given[s] then fade(ref(n, K_GONE + s), ref(n, K_STALE + s)); end;
  end;
  clear given;
end;

-- The message that a step delivers.
procedure begin_step(m: msg_t);
begin
  handling := class_of(m.event);
  raised[raised_tail] := m;
  raised_tail := raised_tail + 1;
end;

procedure begin_own(n: node_t; s: slot_t; event: event_t);
var m: msg_t;
begin
  clear m;
  m.event := event;
  m.dest := slot_ref(n, s);
  begin_step(m);
end;

-- ---- what can happen ----

function has_credit(n: node_t): boolean;
begin
  return forall b: node_t do channel[n][b].count + STEP_CREDIT <= CREDIT end;
end;

function may_tell(n: node_t; s: slot_t; l: 0..LISTS - 1; i: link_t): boolean;
begin
  return at[n][s].list[l].fan != 0 & i < at[n][s].list[l].count & !at[n][s].list[l].link[i].told & has_credit(n);
end;

function may_resume(n: node_t; s: place_t): boolean;
var i: 0..PARKS;
begin
  i := park_first(n, s);
  if i = PARKS then return false; end;
  if !has_credit(n) then return false; end;
  if s = SLOTS then return true; end;
  return at[n][s].state != 0 & !stalls(slot_machine(s), at[n][s].state, park[n].at[i].msg.event);
end;

function may_answer(n: node_t; s: slot_t): boolean;
begin
  return at[n][s].pending != 0 & at[n][s].pending != PENDING_TIMER & has_credit(n);
end;

function under_way(): 0..255;
var sum: 0..255;
begin
  sum := 0;
  for n: node_t do for c: client_t do if flight[n][c].event != 0 then sum := sum + 1; end; end; end;
  return sum;
end;

-- Whether that client may begin a call, and one that would find a place to wait.
function may_begin(n: node_t; c: client_t): boolean;
begin
  return flight[n][c].event = 0 & under_way() < FLIGHT & has_credit(n) & park[n].count < PARKS;
end;

procedure call(n: node_t; c: client_t; event: event_t; dest, arg: ref_t; word: word_t);
var m: msg_t;
begin
  m.event := event;
  m.dest := dest;
  m.src := ref(n, K_CLIENT + c);
  m.arg := arg;
  m.word := word;
  flight[n][c] := m;
  begin_step(m);
end;

-- All that can happen to a slot but a new call has a number. 0: what is parked goes on; 1, 2: the local kernel says yes, says
-- no; 3: the timer fires; then: that member of that list is told.
function may_move_slot(n: node_t; s: slot_t; move: 0..SLOT_MOVES - 1): boolean;
begin
  if at[n][s].state = 0 then return false; end;
  switch move
  case 0: return may_resume(n, s);
  case 1: return may_answer(n, s);
  case 2: return LOCAL_ERRORS = 1 & may_answer(n, s);
  case 3: return at[n][s].pending = PENDING_TIMER & has_credit(n);
  end;
  return may_tell(n, s, (move - 4) / LINKS, (move - 4) % LINKS);
end;

-- And to a kernel. 0: what was parked in a slot that is no more; then: the first message from that node is received; then
-- those of slots.
function may_move(n: node_t; move: 0..MOVES - 1): boolean;
begin
  if move = 0 then return may_resume(n, SLOTS); end;
  if move <= NODES then return channel[move - 1][n].count > 0 & has_credit(n); end;
  return may_move_slot(n, (move - 1 - NODES) / SLOT_MOVES, (move - 1 - NODES) % SLOT_MOVES);
end;

procedure begin_receive(n, from_: node_t);
var m: msg_t;
begin
  m := channel[from_][n].msg[0];
  for i := 0 to ROOM - 1 do
    if i + 1 < channel[from_][n].count then channel[from_][n].msg[i] := channel[from_][n].msg[i + 1]; end;
  end;
  channel[from_][n].count := channel[from_][n].count - 1;
  clear channel[from_][n].msg[channel[from_][n].count];
  begin_step(m);
end;

procedure begin_resume(n: node_t; s: place_t);
var m: msg_t; i: 0..PARKS;
begin
  i := park_first(n, s);
  m := park[n].at[i].msg;
  park_cut(n, i);
  begin_step(m);
end;

procedure begin_fan(n: node_t; s: slot_t; l: 0..LISTS - 1; i: link_t);
var member: ref_t; fan: event_t;
begin
  member := at[n][s].list[l].link[i].ref;
  fan := at[n][s].list[l].fan;
  at[n][s].list[l].link[i].told := true;
  list_sort(n, s, l);
  emit_plain(n, member, fan, slot_ref(n, s), fan_arg(n, s), fan_word(n, s, fan));
end;

procedure begin_slot(n: node_t; s: slot_t; move: 0..SLOT_MOVES - 1);
begin
  switch move
  case 0: begin_resume(n, s);
  case 1: begin_own(n, s, e_LOCAL_OK);
  case 2: begin_own(n, s, e_LOCAL_ERR);
  case 3: begin_own(n, s, e_TIMER);
  else begin_fan(n, s, (move - 4) / LINKS, (move - 4) % LINKS);
  end;
end;

procedure see_rest();
begin
  resting := forall n: node_t do forall move: 0..MOVES - 1 do !may_move(n, move) end end;
end;

-- ---- what must hold ----

-- A machine at rest names the client: its call waits for other clients.
function waits(client: ref_t): boolean;
begin
  return exists n: node_t do exists s: slot_t do at[n][s].state != 0 & is_rest(slot_machine(s), at[n][s].state) &
    (exists i := 0 to REFS - 1 do at[n][s].ref[i] = client end) end end;
end;

invariant "nothing is left under way where nothing can go on"
  (forall n: node_t do
    (forall b: node_t do channel[n][b].count = 0 end) &
    park[n].count = 0 &
    (forall s: slot_t do at[n][s].pending = 0 & is_rest(slot_machine(s), at[n][s].state) end) &
    (forall c: client_t do flight[n][c].event = 0 | waits(ref(n, K_CLIENT + c)) end) end) | !resting;

-- ---- the clients' calls and the family's invariants ----
-- @rules

-- ---- the rule, and where it begins ----

ruleset n: node_t; move: 0..MOVES + CALLS - 1 do
  rule "step" move >= MOVES ? may_call(n, move - MOVES) : may_move(n, move) ==>
  begin
    if move >= MOVES then
      begin_call(n, move - MOVES);
    elsif move = 0 then
      begin_resume(n, SLOTS);
    elsif move <= NODES then
      begin_receive(n, move - 1);
    else
      begin_slot(n, (move - 1 - NODES) / SLOT_MOVES, (move - 1 - NODES) % SLOT_MOVES);
    end;
    step_run(n);
    see_rest();
  end;
end;

startstate
begin
  clear at;
  clear channel;
  clear park;
  clear flight;
  clear raised;
  clear raised_head;
  clear raised_tail;
  clear handling;
  clear sent;
  clear_cell();
  clear ended;
  clear given;
  beginning := true;
  begin_world();
  step_run(0);
  beginning := false;
  see_rest();
end;
