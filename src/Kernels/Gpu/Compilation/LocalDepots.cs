using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>
/// Turns local memory into registers. ILGPU passes every <c>ref</c> and <c>out</c> argument of inline PTX through a variable
/// in local memory, a "depot"; ptxas promotes about ten of them and leaves the rest on the stack, which costs a tensor-core
/// kernel more time than its products. This pass replaces each depot whose accesses are all known:
/// <code>
///     .local .align 8 .b8 __local_depot1[8];           .reg .b32 %depot1_0;
///                                                      .reg .b32 %depot1_4;
///     mov.b64 %rd8, __local_depot1;
///     st.local.v2.b32 [%rd8], {0, %r5};                mov.b32 %depot1_0, 0;
///                                                      mov.b32 %depot1_4, %r5;
///     add.u64 %rd9, %rd8, 4;
///     ld.local.f32 %f1, [%rd9];                        mov.f32 %f1, %depot1_4;
/// </code>
/// A depot stays as it is where an address of it goes anywhere but into a load or a store (a call, a choice between two
/// depots, an index known only at run time), where two accesses overlap without being equal, and where a value is narrower
/// than 16 bits or is widened as it is loaded. A depot that nothing loads from or stores to vanishes.
/// </summary>
/// <remarks>
/// Registers are reused in ILGPU's text, so an address is followed from its definition to the next definition of the same
/// register within a basic block; a register that is defined once holds its address everywhere. A register that brings a
/// depot's address into a block otherwise gives the depot up.
/// </remarks>
internal static partial class LocalDepots
{
    /// <summary>Rewrites the functions of a module.</summary>
    /// <param name="ptx">A module as ILGPU writes it: one instruction a line, functions between lines of one brace.</param>
    public static string Promote(string ptx)
    {
        string[] lines = ptx.Split('\n');
        StringBuilder result = new(ptx.Length);
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].TrimEnd() == "{")
            {
                int end = ClosingBrace(lines, i);
                foreach (string line in new Function(lines[i..end]).Rewrite())
                {
                    result.Append(line).Append('\n');
                }

                i = end;
            }

            result.Append(lines[i]).Append(i + 1 < lines.Length ? "\n" : "");
        }

        return result.ToString();
    }

    private static int ClosingBrace(string[] lines, int opening)
    {
        int depth = 0;
        for (int line = opening; line < lines.Length; line++)
        {
            depth += lines[line].Count(c => c == '{') - lines[line].Count(c => c == '}');
            if (depth == 0)
            {
                return line;
            }
        }

        throw new InvalidDataException("A function of a PTX text has no end.");
    }

    [GeneratedRegex(@"^\s*\.local\s+\.align\s+\d+\s+\.b8\s+(\w+)\[(\d+)\];")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^\s*(?<guard>@!?%\w+\s+)?(?<op>ld|st)\.local(?:\.v(?<count>[24]))?\.(?<type>[busf]\d+)\s+(?<operands>[^;]*);\s*$")]
    private static partial Regex Access();

    [GeneratedRegex(@"^\s*(?<op>mov\.[bu]64|add\.[us]64)\s+(?<target>%\w+)\s*,\s*(?<source>%?\w+)(?:\s*,\s*(?<offset>-?\d+))?\s*;\s*$")]
    private static partial Regex AddressStep();

    [GeneratedRegex(@"^\[\s*(?<base>%\w+)\s*(?:\+\s*(?<offset>-?\d+)\s*)?\]$")]
    private static partial Regex Address();

    /// <summary>A variable in local memory and what is known of its use.</summary>
    private sealed class Depot(string name, int size)
    {
        public string Name => name;

        /// <summary>The parts that are accessed: the width in bytes by the offset.</summary>
        public SortedDictionary<int, int> Cells { get; } = [];

        /// <summary>Whether it has to stay in memory.</summary>
        public bool IsMemory { get; set; }

        public void Touch(int offset, int width)
        {
            IsMemory |= offset < 0 || offset + width > size || (Cells.TryGetValue(offset, out int known) && known != width);
            Cells[offset] = width;
        }

        /// <summary>Gives it up where two cells overlap.</summary>
        public void Finish()
        {
            int end = 0;
            foreach ((int offset, int width) in Cells)
            {
                IsMemory |= offset < end;
                end = offset + width;
            }
        }

        /// <summary>The register in place of a cell.</summary>
        public string Register(int offset) => $"%{name.Replace("__local_", "", StringComparison.Ordinal)}_{offset.ToString(CultureInfo.InvariantCulture)}";
    }

    /// <summary>A place in a depot that a register points to.</summary>
    private readonly record struct Place(Depot Depot, int Offset);

    /// <summary>A load or a store of one or several neighbouring values.</summary>
    private sealed record Move(bool IsLoad, string Guard, string Type, string[] Values, Place Place)
    {
        public int Width => int.Parse(Type.AsSpan(1), CultureInfo.InvariantCulture) / 8;

        public void TouchDepot()
        {
            for (int i = 0; i < Values.Length; i++)
            {
                Place.Depot.Touch(Place.Offset + (i * Width), Width);
            }
        }

        public IEnumerable<string> Lines() => Values.Select((value, i) =>
        {
            string register = Place.Depot.Register(Place.Offset + (i * Width));
            return IsLoad ? $"\t{Guard}mov.{Type}\t{value}, {register};" : $"\t{Guard}mov.{Type}\t{register}, {value};";
        });
    }

    /// <summary>The lines of one function from its opening brace up to its closing one.</summary>
    private sealed class Function(string[] lines)
    {
        private readonly Dictionary<string, Depot> _depots = [];
        private readonly Dictionary<int, Depot> _declarations = [];
        private readonly Dictionary<string, int> _definitions = []; // how often a register is set
        private readonly Dictionary<string, HashSet<Depot>> _pointsTo = []; // wherever in the function
        private readonly Dictionary<string, Place> _constants = []; // registers that are set once
        private readonly Dictionary<string, Place> _block = []; // registers within the present basic block
        private readonly Dictionary<int, Move> _moves = [];
        private readonly Dictionary<int, Depot> _steps = []; // lines that only compute an address

        public IEnumerable<string> Rewrite()
        {
            for (int i = 0; i < lines.Length; i++)
            {
                if (Declaration().Match(lines[i]) is { Success: true } match)
                {
                    Depot depot = new(match.Groups[1].Value, Number(match.Groups[2]));
                    _depots.Add(depot.Name, depot);
                    _declarations.Add(i, depot);
                }

                foreach (string target in PtxLine.Targets(lines[i]))
                {
                    _definitions[target] = _definitions.GetValueOrDefault(target) + 1;
                }
            }

            if (_depots.Count == 0)
            {
                return lines;
            }

            // Blocks need not come in the order in which they run, so a constant may be used above the line that sets it.
            int known;
            do
            {
                known = _constants.Count;
                ReadLines();
            }
            while (_constants.Count > known);

            foreach (Depot depot in _depots.Values)
            {
                depot.Finish();
            }

            return lines.SelectMany(Rewrite);
        }

        private IEnumerable<string> Rewrite(string line, int index)
        {
            if (_declarations.TryGetValue(index, out Depot? declared) && !declared.IsMemory)
            {
                return declared.Cells.Select(cell => $"\t.reg .b{8 * cell.Value}\t{declared.Register(cell.Key)};");
            }

            if (_moves.TryGetValue(index, out Move? move) && !move.Place.Depot.IsMemory)
            {
                return move.Lines();
            }

            return _steps.TryGetValue(index, out Depot? depot) && !depot.IsMemory ? [] : [line];
        }

        private void ReadLines()
        {
            _block.Clear();
            _moves.Clear();
            _steps.Clear();
            HashSet<string> set = []; // registers set in this block
            for (int i = 0; i < lines.Length; i++)
            {
                if (_declarations.ContainsKey(i))
                {
                    continue;
                }

                if (PtxLine.IsBlockBoundary(lines[i]))
                {
                    _block.Clear();
                    set.Clear();
                }

                Read(i, set);
            }
        }

        private void Read(int index, HashSet<string> set)
        {
            string line = lines[index];
            List<string> targets = PtxLine.Targets(line), uses = PtxLine.Uses(line);
            foreach (string use in uses)
            {
                // A register that is set at several places, and here its value comes from another block: it is not known.
                if (_pointsTo.TryGetValue(use, out HashSet<Depot>? depots) && _definitions[use] > 1 && !set.Contains(use))
                {
                    GiveUp(depots);
                }
            }

            Match step = AddressStep().Match(line), access = Access().Match(line);
            if (step.Success && (step.Groups["op"].ValueSpan[0] == 'a') == step.Groups["offset"].Success && Find(step.Groups["source"].Value) is { } source)
            {
                Set(targets[0], source with { Offset = source.Offset + Number(step.Groups["offset"]) });
                _steps.Add(index, source.Depot);
            }
            else
            {
                if (access.Success && MoveOf(access) is { } move)
                {
                    _moves.Add(index, move);
                    move.TouchDepot();
                }
                else
                {
                    // Whatever else uses an address of a depot may do with it what it likes; what is set only under a
                    // condition may keep the address that it had.
                    GiveUp(uses.Concat(PtxLine.IsGuarded(line) ? targets : []).Select(Find).OfType<Place>().Select(place => place.Depot));
                }

                foreach (string target in targets)
                {
                    _block.Remove(target);
                }
            }

            set.UnionWith(targets);
        }

        /// <summary>A load or a store of a depot; null where it is none, or none that a register can take the place of.</summary>
        private Move? MoveOf(Match access)
        {
            bool isLoad = access.Groups["op"].ValueSpan is "ld";
            string operands = access.Groups["operands"].Value.Trim();
            int comma = isLoad ? operands.LastIndexOf(',') : operands.IndexOf(',', StringComparison.Ordinal);
            (string first, string second) = (operands[..comma].Trim(), operands[(comma + 1)..].Trim());
            Match address = Address().Match(isLoad ? second : first);
            if (!address.Success || Find(address.Groups["base"].Value) is not { } place)
            {
                return null;
            }

            string[] values = (isLoad ? first : second).Trim('{', '}').Split(',', StringSplitOptions.TrimEntries);
            Move move = new(isLoad, access.Groups["guard"].Value, access.Groups["type"].Value, values, place with { Offset = place.Offset + Number(address.Groups["offset"]) });
            bool fits = move.Width >= 2 && values.All(value => Find(value) is null && (value[0] != '%' || PtxLine.BitsOf(value) == 8 * move.Width));
            return fits ? move : null;
        }

        private Place? Find(string name) =>
            _depots.TryGetValue(name, out Depot? depot) ? new Place(depot, 0)
            : _block.TryGetValue(name, out Place place) || _constants.TryGetValue(name, out place) ? place
            : null;

        private void Set(string register, Place place)
        {
            (_pointsTo.TryGetValue(register, out HashSet<Depot>? depots) ? depots : _pointsTo[register] = []).Add(place.Depot);
            (_definitions[register] == 1 ? _constants : _block)[register] = place;
        }

        private static void GiveUp(IEnumerable<Depot> depots)
        {
            foreach (Depot depot in depots)
            {
                depot.IsMemory = true;
            }
        }
    }

    private static int Number(Group digits) => digits.Success ? int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture) : 0;
}
