-- The clients of memory/msi, and what must hold. As many pages as the home, kernel 0, has entries; values are 0 and 1.
-- last[page]: the value that was written last. A page that is released has the value 0 again.

const
  PAGES: NAMES;
  DONE: 0;

type
  page_t: 0..PAGES - 1;

var
  last: array [page_t] of word_t;

function page_name(page: page_t): ref_t; begin return ref(0, K_NAME + page); end;
function page_of(name: ref_t): page_t; begin return kind_of(name) - K_NAME; end;

procedure after_step(n: node_t); begin end;
procedure fade_model(old, fresh: ref_t); begin end;

-- The client acts the moment its call is over.
procedure completed(n: node_t; c: client_t; call: msg_t; result: word_t; arg: ref_t);
var page: page_t;
begin
  page := page_of(call.arg);
  if result = DONE then
    if call.event = e_C_RELEASE then
      last[page] := 0;
    elsif call.event != e_C_EVICT then
      if !is_live(arg) then error "I2: a read or a write ends without a copy"; end;
      if call.event = e_C_WRITE then
        last[page] := call.word;
        at[node_of(arg)][kind_of(arg) - K_SLOT].word[w_line_data] := call.word;
      elsif at[node_of(arg)][kind_of(arg) - K_SLOT].word[w_line_data] != last[page] then
        error "I2: a read does not see the value that was written last";
      end;
    end;
  end;
end;

-- @rules

procedure begin_world();
begin
  clear last;
end;

-- Of each page: read, write 0, write 1, evict, release. The last only at home.
const
  CALLS: 5 * PAGES;

function call_event(what: 0..4): event_t;
begin
  switch what
  case 0: return e_C_READ;
  case 1, 2: return e_C_WRITE;
  case 3: return e_C_EVICT;
  end;
  return e_C_RELEASE;
end;
function call_dest(n: node_t; what: 0..4): ref_t;
begin
  if what = 4 then return ref(n, K_NAMED_dir); end;
  return ref(n, K_NAMED_line);
end;

function may_call(n: node_t; k: 0..CALLS - 1): boolean;
begin
  return may_begin(n, 0) & (k / PAGES != 4 | n = 0);
end;

procedure begin_call(n: node_t; k: 0..CALLS - 1);
begin
  call(n, 0, call_event(k / PAGES), call_dest(n, k / PAGES), page_name(k % PAGES), k / PAGES = 2 ? 1 : 0);
end;

-- The state of the line that stands for a page, 0 where there is none.
function line_state(n: node_t; page: page_t): state_t;
begin
  for s: slot_t do
    if slot_machine(s) = m_line & at[n][s].state != 0 & at[n][s].ref[f_line_name] = page_name(page) then
      return at[n][s].state;
    end;
  end;
  return s_line_I;
end;

invariant "I1: a page that is modified in one cluster is nowhere else readable"
  forall page: page_t do forall a: node_t do forall b: node_t do
    a = b | line_state(a, page) != s_line_M |
    (line_state(b, page) != s_line_M & line_state(b, page) != s_line_S & line_state(b, page) != s_line_SM_D)
  end end end;

-- r is a line in this state that holds the page of this entry of the home's directory.
function holds(entry: slot_t; r: ref_t; state: state_t): boolean;
begin
  return is_live(r) & at[node_of(r)][kind_of(r) - K_SLOT].state = state &
    at[node_of(r)][kind_of(r) - K_SLOT].ref[f_line_name] = at[0][entry].name;
end;

function edges_and_holders_agree(): boolean;
var edges, holders: 0..255;
begin
  edges := 0;
  holders := 0;
  for n: node_t do for s: slot_t do
    if slot_machine(s) = m_line & at[n][s].state != s_line_I then holders := holders + 1; end;
    if slot_machine(s) = m_dir then
      for i: link_t do
        if i < at[n][s].list[l_dir_sharers].count then
          edges := edges + 1;
          if !holds(s, at[n][s].list[l_dir_sharers].link[i].ref, s_line_S) then return false; end;
        end;
      end;
      if at[n][s].state = s_dir_OWNED then
        edges := edges + 1;
        if !holds(s, at[n][s].ref[f_dir_owner], s_line_M) then return false; end;
      end;
    end;
  end; end;
  return edges = holders;
end;

invariant "I3: at rest, the directory's owner and sharers are exactly the clusters that hold the page"
  edges_and_holders_agree() | !resting;
