using System.CommandLine;
using Handwritten.Runtime.Settings;

namespace Handwritten.Cli;

/// <summary>Settings as options of a command: <c>beam_size</c> is <c>--beam-size</c>.</summary>
/// <typeparam name="TOptions">What they are settings of.</typeparam>
internal sealed class SettingOptions<TOptions>
{
    private readonly IReadOnlyList<(Setting<TOptions> Setting, Option Option)> _options;
    private readonly TOptions _initially;

    /// <summary>Defines the options.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="initially">What holds where they are not given.</param>
    public SettingOptions(IReadOnlyList<Setting<TOptions>> settings, TOptions initially)
    {
        _initially = initially;
        _options = [.. settings.Select(setting => (setting, Define(setting)))];
    }

    /// <summary>The options, in the order of the settings.</summary>
    public IEnumerable<Option> Options => _options.Select(one => one.Option);

    /// <summary>A setting's name on the command line.</summary>
    public static string NameOf(string setting) => $"--{setting.Replace('_', '-')}";

    /// <summary>Whether a setting is on the command line.</summary>
    public bool IsGiven(ParseResult parsed, string setting) =>
        parsed.GetResult(_options.First(one => one.Setting.Name == setting).Option) is { Implicit: false };

    /// <summary>What was chosen.</summary>
    public TOptions Read(ParseResult parsed) => _options
        .Where(one => parsed.GetResult(one.Option) is { Implicit: false })
        .Aggregate(_initially, (options, one) => one.Setting.Apply(options, one.Option.Name, TextOf(parsed, one.Option)));

    private static string TextOf(ParseResult parsed, Option option) => option is Option<bool> flag ? ValueKind.Flag.Write(parsed.GetValue(flag)) : parsed.GetValue((Option<string>)option)!;

    private Option Define(Setting<TOptions> setting)
    {
        (string name, string initially) = (NameOf(setting.Name), setting.Show(_initially));
        if (setting.IsFlag)
        {
            return Cli.Define.Flag(name, setting.Description, ValueKind.Flag.Read(name, initially));
        }

        Option<string> option = new(name, [.. setting.Aliases.Select(NameOf)]) { Description = setting.Description, HelpName = setting.Placeholder };
        option.CompletionSources.Add([.. setting.Words]);
        option.Validators.Add(result =>
        {
            if (!result.Implicit && result.Tokens is [{ Value: { } text }])
            {
                try
                {
                    setting.Apply(_initially, name, text);
                }
                catch (SettingException failure)
                {
                    result.AddError(failure.Message + Spelling.SuggestValue(text, setting.Words));
                }
            }
        });
        if (initially.Length > 0)
        {
            option.DefaultValueFactory = _ => initially;
        }

        return option;
    }
}
