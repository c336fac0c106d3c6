using System.Collections;
using System.Globalization;
using System.Text.Json;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Settings;
using Microsoft.Extensions.AI;
using TranscriptionOptions = Handwritten.Runtime.Transcription.TranscriptionOptions; // Microsoft.Extensions.AI has one, too

namespace Handwritten.Runtime.Hosting;

/// <summary>
/// Reads settings out of the additional properties of a request: <c>beam_size</c>, <c>vad_filter</c>, under the names that
/// openai/whisper and faster-whisper have for them. Properties of other names are somebody else's.
/// </summary>
internal static class AdditionalSettings
{
    private const string Temperature = "temperature", Increment = "temperature_increment_on_fallback";

    private static readonly ValueKind<IReadOnlyList<double>> Temperatures = ValueKind.Number(0, 100).Several("numbers from 0 to 100", "N,...");

    /// <summary>Options with what the properties say. If those say anything about windows, they say all about them.</summary>
    /// <param name="options">The options so far.</param>
    /// <param name="properties">The properties; null for none.</param>
    /// <exception cref="OptionsException">A value makes no sense.</exception>
    public static TranscriptionOptions Apply(TranscriptionOptions options, AdditionalPropertiesDictionary? properties)
    {
        if (properties is null)
        {
            return options;
        }

        properties = new AdditionalPropertiesDictionary(properties.Select(property => KeyValuePair.Create(property.Key, Plain(property.Value))));
        try
        {
            // As faster-whisper has it, a list is the temperatures themselves, and not the first of them.
            IReadOnlyList<double>? temperatures = null;
            if (properties.TryGetValue(Temperature, out object? given) && given is IEnumerable and not string)
            {
                temperatures = Temperatures.Read(Temperature, Write(given));
                properties = new AdditionalPropertiesDictionary(properties.Where(property => property.Key is not (Temperature or Increment)));
            }

            TranscriptionChoice choice = Apply(TranscriptionSettings.All, new TranscriptionChoice { Options = options }, properties, out _);
            WindowChoice windows = Apply(WindowChoice.Settings, new WindowChoice(), properties, out bool saysWindows);
            options = temperatures is not null ? choice.Options with { Temperatures = temperatures }
                : properties.ContainsKey(Temperature) || properties.ContainsKey(Increment) ? choice.ToOptions()
                : choice.Options;
            return saysWindows ? options with { Windows = windows.ToOptions() } : options;
        }
        catch (SettingException failure)
        {
            throw new OptionsException(failure.Message);
        }
    }

    private static TOptions Apply<TOptions>(IEnumerable<Setting<TOptions>> settings, TOptions options, AdditionalPropertiesDictionary properties, out bool saysAnything)
    {
        saysAnything = false;
        foreach (Setting<TOptions> setting in settings)
        {
            foreach (string name in setting.Aliases.Prepend(setting.Name))
            {
                // Null for a text is no text at all, and not the word that stands for nothing elsewhere.
                if (properties.TryGetValue(name, out object? value) && (value is not null || setting.JsonType != "string"))
                {
                    options = setting.Apply(options, name, Write(value));
                    saysAnything = true;
                }
            }
        }

        return options;
    }

    /// <summary>A value that came out of JSON as the one that a program would have written there.</summary>
    private static object? Plain(object? value) => value is not JsonElement json ? value : json.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        JsonValueKind.Array => json.EnumerateArray().Select(element => Plain(element)).ToArray(),
        _ => json.ToString(),
    };

    private static string Write(object? value) => value switch
    {
        null => "None",
        string text => text,
        IEnumerable values => string.Join(',', values.Cast<object?>().Select(Write)),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
